/** What the Electron and the browser helper have in common: a place for settings, and screenshots. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from 'playwright-core';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
const artifacts = join(repository, 'tests', 'artifacts');

export const isRoot = process.getuid?.() === 0;

/** The app open in front of a test. */
export interface AppSession {
  page: Page;
  /** FOVEA_USER_DATA of this session. */
  userDataFolder: string;
  close(): Promise<void>;
}

export interface SessionOptions {
  /** A fresh temporary folder where not given. */
  userDataFolder?: string;
  env?: Record<string, string>;
  size?: { width: number; height: number };
}

export const defaultSize = { width: 1280, height: 800 };

export function temporaryUserData(): string {
  return mkdtempSync(join(tmpdir(), 'fovea-test-'));
}

/** The environment of a child, without what would change how it behaves here. */
export function childEnvironment(userDataFolder: string, extra: Record<string, string> = {}): Record<string, string> {
  const { ELECTRON_RUN_AS_NODE: _asNode, NODE_OPTIONS: _options, VITEST: _vitest, ...env } = process.env;
  return { ...(env as Record<string, string>), ...extra, FOVEA_USER_DATA: userDataFolder };
}

/** The start screen has its data and can be used. */
export async function waitUntilReady(page: Page): Promise<void> {
  page.setDefaultTimeout(60_000); // a busy machine is no failure
  await page.locator('body[data-ready="true"]').waitFor({ state: 'attached' });
}

/** Stores what the page, or a part of it, shows as tests/artifacts/NAME.png and returns the path. */
export async function screenshot(shown: Page | Locator, name: string): Promise<string> {
  const page = 'page' in shown ? shown.page() : shown;
  mkdirSync(artifacts, { recursive: true });
  const path = join(artifacts, `${name}.png`);
  for (let tries = 1; ; tries++) {
    try {
      await shown.screenshot({ path, animations: 'disabled' });
      return path;
    } catch (error) {
      // On a busy machine Chromium now and then cannot copy a window that is about to be drawn.
      if (tries === 5 || !String(error).includes('Unable to capture screenshot')) throw error;
      await page.waitForTimeout(500);
    }
  }
}
