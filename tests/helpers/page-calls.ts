/** Calls of the bridge from a test, made inside Electron's page as the app itself makes them. */
import type { Page } from 'playwright-core';
import type { CallName, Calls } from '../../src-main/contract/ipc.ts';
import type { Envelope } from '../../src-main/contract/errors.ts';

/** Throws what the service says. */
export async function callInPage<C extends CallName>(
  page: Page,
  name: C,
  request: unknown,
): Promise<Calls[C]['response']> {
  const envelope = await page.evaluate<Envelope<unknown>>(
    `window.fovea.calls[${JSON.stringify(name)}](${JSON.stringify(request)})`,
  );
  if (!envelope.ok) throw new Error(`${name}: ${envelope.error.message}`);
  return envelope.value as Calls[C]['response'];
}
