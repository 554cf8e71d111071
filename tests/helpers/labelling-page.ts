/**
 * Labelling in the real app, in a person's words: six plain photographs in a project of their own, gestures in image
 * pixels, and what the canvas and the panels beside it show. The same for every host.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { expect } from 'vitest';
import { screenshot, type AppSession, type SessionOptions } from './app-session.ts';
import { launchBrowser } from './browser.ts';
import { launchElectron } from './electron.ts';
import { photo, writeFiles } from './generated-images.ts';
import { createProject } from './walk.ts';

export type Launch = (options?: SessionOptions) => Promise<AppSession>;
export const hosts: Record<string, Launch> = { electron: launchElectron, web: launchBrowser };
const [widthPx, heightPx] = [320, 240];

/** Gestures are quick; a busy machine need not be. */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: 20_000 });
}

export const times = (count: number, key: string): string[] => Array.from({ length: count }, () => key);

export class LabellingPage {
  readonly #host: string;
  readonly #launch: Launch;
  #session: AppSession | null = null;
  #folder = '';
  /** What went wrong in the page: errors that nobody caught, and those of its console. */
  readonly problems: string[] = [];

  constructor(host: string, launch: Launch) {
    this.#host = host;
    this.#launch = launch;
  }

  get session(): AppSession {
    if (this.#session === null) throw new Error('The app is not open.');
    return this.#session;
  }

  get page(): Page {
    return this.session.page;
  }

  /** The photographs in a project, with the classes cell and nucleus and what `drawThree` draws. */
  async openLabelled(): Promise<void> {
    await this.open();
    await this.importPhotos();
    for (const name of ['cell', 'nucleus']) await this.makeClass(name);
    await this.drawThree();
  }

  /** An empty project, beside a folder of photographs. */
  async open(): Promise<void> {
    await this.#start();
    this.#folder = mkdtempSync(join(tmpdir(), 'fovea-annotate-'));
    const files: Record<string, Uint8Array> = {};
    for (let number = 1; number <= 6; number++) files[`photo ${number}.jpg`] = await photo({ widthPx, heightPx });
    await writeFiles(join(this.#folder, 'plain'), files);
    const counts = { train: '', test: '' };
    await createProject({ page: this.page, host: this.#host, parentFolder: this.#folder, dataFolder: '', counts });
  }

  /** As when somebody deletes the file; numbers begin at 1. */
  removePhoto(number: number): void {
    rmSync(join(this.#folder, 'plain', `photo ${number}.jpg`));
  }

  async close(): Promise<void> {
    await this.session.close();
    this.#session = null;
  }

  /** The app is closed, opened again, and its project too. */
  async restart(): Promise<void> {
    const { userDataFolder } = this.session;
    await this.close();
    await this.#start({ userDataFolder });
    const { page } = this;
    const project = page.getByRole('button', { name: /Chapter one/ });
    await project
      .or(page.getByRole('link', { name: /Chapter one/ }))
      .first()
      .click();
  }

  async #start(options?: SessionOptions): Promise<void> {
    this.#session = await this.#launch(options);
    this.page.setDefaultTimeout(30_000);
    this.page.on('pageerror', (error) => this.problems.push(error.message));
    this.page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(message.text());
    });
  }

  /** By keyboard: imports the photographs and opens the first on the canvas. */
  async importPhotos(): Promise<void> {
    await this.press('i');
    const dialog = this.page.getByRole('dialog', { name: 'Import data' });
    await dialog.getByRole('textbox', { name: 'Folder or archive' }).fill(join(this.#folder, 'plain'));
    await this.press('Enter');
    await dialog.getByText('Images without labels').first().waitFor();
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await this.page.getByRole('listbox', { name: 'Images' }).waitFor();
    await this.page.getByLabel('Images', { exact: true }).focus();
    await this.press('ArrowRight', 'Enter');
    await this.isOn(1);
  }

  /** By keyboard: makes the class and chooses it. */
  async makeClass(name: string): Promise<void> {
    await this.press('/');
    await this.page.keyboard.type(name);
    await this.press('Enter');
    await this.page.getByRole('button', { name, pressed: true }).waitFor();
  }

  /** By mouse, on an empty image: a box of a cell, a polygon and a mask of a nucleus. */
  async drawThree(): Promise<void> {
    const { page } = this;
    await page.getByRole('button', { name: 'Box', exact: true }).click();
    await page.getByRole('button', { name: 'cell', exact: true }).click();
    await this.drag([30, 30], [60, 50], [110, 90]);
    await page.getByRole('button', { name: 'Polygon', exact: true }).click();
    await page.getByRole('button', { name: 'nucleus', exact: true }).click();
    for (const [x, y] of [
      [150, 30],
      [230, 40],
      [220, 100],
      [160, 90],
      [150, 30],
    ] as const)
      await this.click(x, y);
    await page.getByRole('button', { name: 'Brush', exact: true }).click();
    await this.drag([60, 160], [120, 180], [200, 150]);
    await this.objects().nth(2).waitFor();
    await this.saved();
  }

  /** Waits until the canvas shows the photograph of that number. */
  isOn(number: number): Promise<void> {
    return this.page.getByRole('application', { name: new RegExp(`photo ${number}\\.jpg`) }).waitFor();
  }

  /** Chooses the photograph below the canvas. */
  async goTo(number: number): Promise<void> {
    await this.page.getByRole('option', { name: new RegExp(`photo ${number}\\.jpg`) }).click();
    await this.isOn(number);
    await this.canvas().focus();
  }

  readonly shot = (name: string): Promise<string> => screenshot(this.page, `annotate-${this.#host}-${name}`);
  readonly canvas = (): Locator => this.page.getByRole('application');
  readonly objectList = (): Locator => this.page.getByRole('listbox', { name: 'Objects, the topmost first' });
  readonly objects = (): Locator => this.objectList().getByRole('option');
  readonly names = (): Promise<string[]> => this.objects().allTextContents();
  /** Place, size and area of what is selected. */
  readonly facts = (): Promise<string | null> =>
    this.page.getByRole('region', { name: 'Selected labels' }).locator('.facts').first().textContent();
  readonly saved = (): Promise<void> => this.page.getByText('Saved', { exact: true }).waitFor();

  readonly press = async (...keys: string[]): Promise<void> => {
    for (const key of keys) await this.page.keyboard.press(key);
  };

  /** Where a point of the image is on the screen: the image fills the canvas but for a margin. */
  readonly onScreen = async (x: number, y: number): Promise<[number, number]> => {
    const box = (await this.canvas().boundingBox())!;
    const exact = Math.min((box.width - 48) / widthPx, (box.height - 48) / heightPx);
    const scale = exact >= 4 ? Math.floor(exact) : exact;
    const left = box.x + Math.round((box.width - widthPx * scale) / 2);
    const top = box.y + Math.round((box.height - heightPx * scale) / 2);
    return [left + x * scale, top + y * scale];
  };

  readonly moveTo = async (x: number, y: number): Promise<void> => {
    const [left, top] = await this.onScreen(x, y);
    await this.page.mouse.move(left, top, { steps: 4 });
  };

  readonly drag = async (from: [number, number], ...to: [number, number][]): Promise<void> => {
    await this.moveTo(...from);
    await this.page.mouse.down();
    for (const point of to) await this.moveTo(...point);
    await this.page.mouse.up();
  };

  readonly click = (x: number, y: number): Promise<void> => this.drag([x, y]);

  /** What the canvas shows at a point of the image, labels and all: red, green, blue. */
  readonly colourAt = async (x: number, y: number): Promise<number[]> => {
    const [left, top] = await this.onScreen(x, y);
    const clip = { x: Math.round(left), y: Math.round(top), width: 1, height: 1 };
    const { data } = await sharp(await this.page.screenshot({ clip }))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return [...data];
  };
}
