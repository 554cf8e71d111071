/**
 * Labelling as a person does it, in the real Electron and in Chromium in front of the web host: a folder of plain images
 * becomes a data set; classes, a box, a polygon and a mask are made, corrected, taken back, reviewed; after a restart all of
 * it is there. Once by keyboard alone, once by mouse. Needs a build in out/.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { screenshot, type AppSession, type SessionOptions } from '../helpers/app-session.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';
import { callInPage } from '../helpers/page-calls.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { createProject } from '../helpers/walk.ts';

const hosts: Record<string, (options?: SessionOptions) => Promise<AppSession>> = {
  electron: launchElectron,
  web: launchBrowser,
};
const [widthPx, heightPx] = [320, 240];

/** Gestures are quick; a busy machine need not be. */
function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: 20_000 });
}

describe.each(Object.entries(hosts))('in the %s host', (host, launch) => {
  let session: AppSession;
  let page: Page;
  let folder: string;
  const problems: string[] = [];
  const shot = (name: string): Promise<string> => screenshot(page, `annotate-${host}-${name}`);
  const canvas = (): Locator => page.getByRole('application');
  const objects = (): Locator => page.getByRole('listbox', { name: 'Objects, the topmost first' }).getByRole('option');
  const names = (): Promise<string[]> => objects().allTextContents();
  const saved = (): Promise<void> => page.getByText('Saved', { exact: true }).waitFor();

  function watch(): void {
    page = session.page;
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
  }

  /** Where a point of the image is on the screen: the image fills the canvas but for a margin. */
  async function onScreen(x: number, y: number): Promise<[number, number]> {
    const box = (await canvas().boundingBox())!;
    const exact = Math.min((box.width - 48) / widthPx, (box.height - 48) / heightPx);
    const scale = exact >= 4 ? Math.floor(exact) : exact;
    const left = box.x + Math.round((box.width - widthPx * scale) / 2);
    const top = box.y + Math.round((box.height - heightPx * scale) / 2);
    return [left + x * scale, top + y * scale];
  }

  async function moveTo(x: number, y: number): Promise<void> {
    const [left, top] = await onScreen(x, y);
    await page.mouse.move(left, top, { steps: 4 });
  }

  async function drag(from: [number, number], ...to: [number, number][]): Promise<void> {
    await moveTo(...from);
    await page.mouse.down();
    for (const point of to) await moveTo(...point);
    await page.mouse.up();
  }

  async function click(x: number, y: number): Promise<void> {
    await moveTo(x, y);
    await page.mouse.down();
    await page.mouse.up();
  }

  async function press(...keys: string[]): Promise<void> {
    for (const key of keys) await page.keyboard.press(key);
  }

  /** What the canvas shows at a point of the image, labels and all: red, green, blue. */
  async function colourAt(x: number, y: number): Promise<number[]> {
    const [left, top] = await onScreen(x, y);
    const clip = { x: Math.round(left), y: Math.round(top), width: 1, height: 1 };
    const { data } = await sharp(await page.screenshot({ clip }))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return [...data];
  }

  const times = (count: number, key: string): string[] => Array.from({ length: count }, () => key);

  beforeAll(async () => {
    session = await launch();
    watch();
    folder = mkdtempSync(join(tmpdir(), 'fovea-annotate-'));
    const files: Record<string, Uint8Array> = {};
    for (let number = 1; number <= 6; number++) files[`photo ${number}.jpg`] = await photo({ widthPx, heightPx });
    await writeFiles(join(folder, 'plain'), files);
    await createProject({ page, host, parentFolder: folder, dataFolder: '', counts: { train: '', test: '' } });
  }, 120_000);
  afterAll(() => session.close());

  it('makes a data set of a plain folder and goes to label it, by keyboard', async () => {
    await press('i');
    const dialog = page.getByRole('dialog', { name: 'Import data' });
    await dialog.getByRole('textbox', { name: 'Folder or archive' }).fill(join(folder, 'plain'));
    await press('Enter');
    await dialog.getByText('Images without labels').first().waitFor();
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('listbox', { name: 'Images' }).waitFor();
    await page.getByLabel('Images', { exact: true }).focus();
    await press('ArrowRight', 'Enter');
    await page.getByRole('application', { name: /photo 1\.jpg/ }).waitFor();
    // The picture's upper left corner is red.
    await eventually(() => colourAt(8, 8)).toEqual([
      expect.closeTo(254, -1),
      expect.closeTo(0, -1),
      expect.closeTo(0, -1),
    ]);
    await shot('empty');
  });

  it('draws a box, a polygon and a mask by keyboard alone, in classes it makes on the way', async () => {
    await press('/');
    await page.keyboard.type('cell');
    await press('Enter');
    await page.getByRole('button', { name: 'cell', pressed: true }).waitFor();
    await press('/');
    await page.keyboard.type('nucleus');
    await press('Enter');
    await page.getByRole('button', { name: 'nucleus', pressed: true }).waitFor();

    await canvas().focus();
    await press('1', 'b');
    // A box from the middle, 40 to the right and 30 down.
    await press('ArrowLeft', 'Enter', ...times(4, 'Shift+ArrowRight'), ...times(3, 'Shift+ArrowDown'), 'Enter');
    await eventually(names).toEqual([expect.stringMatching(/cell\s*box/)]);

    await press('2', 'p', ...times(6, 'Shift+ArrowLeft'), 'Enter');
    await press(...times(3, 'Shift+ArrowUp'), 'Enter', ...times(4, 'Shift+ArrowLeft'), 'Enter', 'Enter');
    await eventually(names).toEqual([expect.stringMatching(/nucleus\s*polygon/), expect.stringMatching(/cell\s*box/)]);

    await press('Escape', 'm', ...times(6, 'Shift+ArrowDown'), 'Enter', ...times(4, 'Shift+ArrowRight'), 'Enter');
    await eventually(() => objects().count()).toBe(3);
    await saved();
    await shot('keyboard');
  });

  it('corrects, takes back and does again by keyboard', async () => {
    await press('v', 'Escape', 'n');
    const size = (): Promise<string | null> =>
      page.getByRole('region', { name: 'Selected labels' }).locator('.facts').first().textContent();
    await press(...times(5, 'n'));
    await page.getByRole('listbox', { name: 'Objects, the topmost first' }).focus();
    await press('End');
    await page.getByRole('heading', { name: 'cell, box' }).waitFor();
    const before = await size();
    await press('Shift+Enter', 'Shift+ArrowRight', 'Alt+Shift+ArrowDown');
    const corrected = await size();
    expect(corrected).not.toBe(before);
    await saved();
    await press('Control+z', 'Control+z');
    await eventually(size).toBe(before);
    await press('Control+Shift+z', 'Control+Shift+z');
    await eventually(size).toBe(corrected);
    await press('Shift+o');
    await page.getByRole('button', { name: 'Occluded', pressed: true }).waitFor();
    await saved();
  });

  it('marks the image as done and goes on, by keyboard', async () => {
    await press('Control+Enter');
    await page.getByRole('application', { name: /photo 2\.jpg/ }).waitFor();
    await eventually(() => page.getByRole('option', { name: 'photo 1.jpg, Done' }).count()).toBe(1);
    await press('c');
    await eventually(() => objects().count()).toBe(3);
    await press('a');
    await page.getByRole('application', { name: /photo 1\.jpg/ }).waitFor();
    await press('Shift+d');
    await page.getByRole('application', { name: /photo 2\.jpg/ }).waitFor();
    await press('d');
    await page.getByRole('application', { name: /photo 3\.jpg/ }).waitFor();
  });

  it('draws the same by mouse', async () => {
    await page.getByRole('button', { name: 'Box', exact: true }).click();
    await page.getByRole('button', { name: 'cell', exact: true }).click();
    await drag([30, 30], [60, 50], [110, 90]);
    await page.getByRole('button', { name: 'Polygon', exact: true }).click();
    await page.getByRole('button', { name: 'nucleus', exact: true }).click();
    for (const [x, y] of [
      [150, 30],
      [230, 40],
      [220, 100],
      [160, 90],
      [150, 30],
    ] as const)
      await click(x, y);
    await page.getByRole('button', { name: 'Brush', exact: true }).click();
    await drag([60, 160], [120, 180], [200, 150]);
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*mask/),
      expect.stringMatching(/nucleus\s*polygon/),
      expect.stringMatching(/cell\s*box/),
    ]);
    await saved();
    await moveTo(300, 220);
    await shot('mouse');
    // The mask covers what is below it, until labels are hidden.
    const covered = await colourAt(120, 180);
    await press('q');
    await eventually(() => colourAt(120, 180)).not.toEqual(covered);
    const bare = await colourAt(190, 50);
    await press('q');
    await eventually(() => colourAt(120, 180)).toEqual(covered);
    expect(await colourAt(190, 50)).not.toEqual(bare);
  });

  it('selects, moves and changes the class by mouse, and undoes it by the button', async () => {
    await page.getByRole('button', { name: 'Select and move' }).click();
    await click(45, 31);
    await page.getByRole('heading', { name: 'cell, box' }).waitFor();
    await drag([45, 30], [55, 40], [65, 50]);
    const facts = page.getByRole('region', { name: 'Selected labels' }).locator('.facts').first();
    await eventually(() => facts.textContent()).toMatch(/ at 50, 50 /);
    await page.getByRole('button', { name: 'nucleus', exact: true }).click();
    await page.getByRole('heading', { name: 'nucleus, box' }).waitFor();
    await page.getByRole('button', { name: /^Undo/ }).click();
    await page.getByRole('heading', { name: 'cell, box' }).waitFor();
    await shot('selected');
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('region', { name: 'History' }).getByRole('listitem').first().waitFor();
    await shot('history');
    await page.getByRole('tab', { name: 'Labels' }).click();
    await page.getByRole('button', { name: 'Other review states' }).click();
    await page.getByRole('menuitem', { name: /^Needs review/ }).click();
    await page.getByRole('application', { name: /photo 4\.jpg/ }).waitFor();
  });

  it('zooms, moves the view and changes how it looks without losing anything', async () => {
    await press('a');
    await page.getByRole('application', { name: /photo 3\.jpg/ }).waitFor();
    await moveTo(100, 80);
    await page.mouse.wheel(0, -900);
    await page.waitForTimeout(400);
    await shot('zoomed');
    await page.mouse.down({ button: 'middle' });
    await page.mouse.move(500, 400, { steps: 3 });
    await page.mouse.up({ button: 'middle' });
    await press('z');
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('dialog', { name: 'View' }).getByRole('radio', { name: 'Grey' }).click();
    await shot('view-options');
    await page.getByRole('button', { name: 'As it is in the file' }).click();
    await press('Escape');
  });

  it('opens the menu of a label by mouse, and by the key for it', async () => {
    await press('v', 'Escape');
    await moveTo(60, 50);
    await page.mouse.down({ button: 'right' });
    await page.mouse.up({ button: 'right' });
    await page.getByRole('heading', { name: 'cell, box' }).waitFor();
    await shot('menu');
    await page.getByRole('menuitem', { name: 'Duplicate' }).click();
    await eventually(() => objects().count()).toBe(4);
    await press('Control+z');
    await eventually(() => objects().count()).toBe(3);
    await canvas().focus();
    await press('n', 'Shift+F10');
    await page.getByRole('menu', { name: 'What can be done here' }).waitFor();
    await press('Escape');
    await eventually(() => page.evaluate('document.activeElement?.getAttribute("role")')).toBe('application');
    await page.getByRole('listbox', { name: 'Objects, the topmost first' }).focus();
    await press('Home', 'ContextMenu');
    await page.getByRole('menuitem', { name: 'Send to the back' }).waitFor();
    await press('End', 'ArrowUp', 'Enter');
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*polygon/),
      expect.stringMatching(/cell\s*box/),
      expect.stringMatching(/nucleus\s*mask/),
    ]);
    await press('Control+z');
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*mask/),
      expect.stringMatching(/nucleus\s*polygon/),
      expect.stringMatching(/cell\s*box/),
    ]);
  });

  it('merges classes after saying what that changes, moves one by keyboard, and undoes both', async () => {
    await page.getByRole('button', { name: 'nucleus', exact: true }).click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Merge or delete…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Classes' });
    await dialog.getByRole('checkbox', { name: 'Choose nucleus' }).check();
    await dialog.getByRole('button', { name: 'Merge…' }).click();
    const question = page.getByRole('alertdialog', { name: 'Merge “nucleus” into “cell”?' });
    await question.getByText(/^\d+ labels on \d images become “cell”/).waitFor();
    await shot('merge');
    await question.getByRole('button', { name: 'Merge', exact: true }).click();
    await eventually(() => dialog.getByRole('checkbox').count()).toBe(1);
    await eventually(() => question.count()).toBe(0);
    await press('Escape');
    await eventually(() => dialog.count()).toBe(0);
    await eventually(async () => (await names()).filter((name) => /cell/.test(name)).length).toBe(3);
    await press('Control+z');
    await page.getByRole('button', { name: 'nucleus', exact: true }).waitFor();
    await eventually(async () => (await names()).filter((name) => /nucleus/.test(name)).length).toBe(2);

    await page.getByRole('button', { name: 'Edit classes, skeletons and attributes' }).click();
    await dialog.getByRole('button', { name: 'cell', exact: true }).focus();
    await press('Alt+ArrowDown');
    const order = (): Promise<string[]> =>
      dialog.getByRole('checkbox').evaluateAll((all) => all.map((box) => box.ariaLabel ?? ''));
    await eventually(order).toEqual(['Choose nucleus', 'Choose cell']);
    await shot('classes');
    await press('Escape');
    await eventually(() => dialog.count()).toBe(0);
    await press('Control+z');
    await page.getByRole('button', { name: 'Edit classes, skeletons and attributes' }).click();
    await eventually(order).toEqual(['Choose cell', 'Choose nucleus']);
    await press('Escape');
    await eventually(() => dialog.count()).toBe(0); // the next test names buttons that are in it too
  });

  it('asks for a skeleton’s points by name, and for attributes', async () => {
    await page.getByRole('button', { name: 'cell', exact: true }).click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Skeleton…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Classes' });
    await dialog.getByRole('button', { name: 'One point' }).click();
    await dialog.getByRole('textbox', { name: 'Name of a new point' }).fill('tail');
    await press('Enter');
    await dialog.getByRole('textbox', { name: 'Name of point 2' }).waitFor();
    await dialog.getByRole('button', { name: 'point: begin a line' }).click();
    await dialog.getByRole('button', { name: 'tail: end the line' }).click();
    await eventually(() => dialog.locator('line').count()).toBe(1);
    await shot('skeleton');
    await dialog.getByRole('tab', { name: /^Attributes/ }).click();
    await dialog.getByRole('textbox', { name: 'Name of a new attribute' }).fill('alive');
    await press('Enter');
    await dialog.getByRole('list', { name: 'Attributes' }).getByText('alive').waitFor();
    await press('Escape');
    // With nothing selected, or the class would be the selection's too.
    await canvas().focus();
    await press('Escape');
    await page.getByRole('button', { name: 'cell', exact: true }).click();
    await page.getByRole('button', { name: 'Keypoints', exact: true }).click();
    await click(150, 130);
    await page.getByText('tail (2 of 2)').waitFor();
    await click(170, 150);
    await eventually(names).toEqual(expect.arrayContaining([expect.stringMatching(/cell\s*keypoints/)]));
    await page.getByRole('region', { name: 'Selected labels' }).getByText('alive').waitFor();
    await shot('keypoints');
    // Points, attribute, line, second point, skeleton.
    for (const count of [3, 3, 3, 3, 3]) {
      await press('Control+z');
      await eventually(() => objects().count()).toBe(count);
    }
    await press('v');
    await saved();
  });

  it('lays two sets of labels against each other', async () => {
    await press('v', 'Escape', 'Shift+V');
    const bar = page.getByRole('group', { name: 'Compare labels' });
    await bar.waitFor();
    const divider = bar.getByRole('slider', { name: /^Divider/ });
    await divider.focus();
    // Left of the divider is what was before the first change: nothing.
    await press('Home');
    await moveTo(300, 220);
    await page.waitForTimeout(400);
    const right = await colourAt(190, 50);
    await divider.focus();
    await press('End');
    await eventually(() => colourAt(190, 50)).not.toEqual(right);
    await bar.getByRole('button', { name: 'Swap the sides' }).click();
    await eventually(() => colourAt(190, 50)).toEqual(right);
    await divider.focus();
    await press('Home', 'PageUp', 'PageUp', 'PageUp', 'PageUp', 'PageUp');
    await shot('compare');
    await bar.getByRole('button', { name: 'End the comparison' }).click();
    await eventually(() => bar.count()).toBe(0);
  });

  it('takes keys of one’s own, and names a conflict', async () => {
    await press('?');
    const sheet = page.getByRole('dialog', { name: 'Shortcuts' });
    await shot('keys');
    await sheet.getByRole('button', { name: 'Change keys' }).click();
    await sheet.getByRole('button', { name: 'Key of Next image: D' }).click();
    await press('b');
    await sheet.getByText('Same key as: Tool: Box').waitFor();
    await shot('keys-conflict');
    await sheet.getByRole('button', { name: 'As it was' }).click();
    await eventually(() => sheet.getByText(/^Same key as/).count()).toBe(0);
    await press('Escape');
  });

  it('gives many images their class at once', async () => {
    await press('y');
    const grid = page.getByRole('listbox', { name: 'Images to classify' });
    await grid.getByRole('option').nth(4).click();
    await grid
      .getByRole('option')
      .nth(5)
      .click({ modifiers: ['Shift'] });
    await press('1');
    await eventually(() => grid.getByRole('option', { name: /cell, Done/ }).count()).toBe(2);
    await page.waitForTimeout(400);
    await shot('classify');
    await press('Control+z');
    await eventually(() => grid.getByRole('option', { name: /cell/ }).count()).toBe(0);
    await page.getByRole('radio', { name: 'Image', exact: true }).click();
  });

  it('gives an image several classes, one by one and in the grid', async () => {
    await page.getByRole('option', { name: /photo 5\.jpg/ }).click();
    await page.getByRole('application', { name: /photo 5\.jpg/ }).waitFor();
    await canvas().focus();
    await press('t');
    await page.getByRole('checkbox', { name: 'Several classes' }).check();
    await canvas().focus();
    await press('1', '2');
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*whole image/),
      expect.stringMatching(/cell\s*whole image/),
    ]);
    await press('1');
    await eventually(names).toEqual([expect.stringMatching(/nucleus\s*whole image/)]);
    await saved();
    await press('y');
    const grid = page.getByRole('listbox', { name: 'Images to classify' });
    const fifth = grid.getByRole('option', { name: /photo 5\.jpg/ });
    await fifth.click();
    await press('1');
    await grid.getByRole('option', { name: /photo 5\.jpg, (cell, nucleus|nucleus, cell), / }).waitFor();
    // What is not in sight is not deleted.
    await press('Delete', '2');
    await grid.getByRole('option', { name: /photo 5\.jpg, cell, / }).waitFor();
    await shot('several-classes');
    await page.getByRole('checkbox', { name: 'Several classes' }).uncheck();
    await page.getByRole('radio', { name: 'Image', exact: true }).click();
    await page.getByRole('application', { name: /photo 5\.jpg/ }).waitFor();
    await eventually(names).toEqual([expect.stringMatching(/cell\s*whole image/)]);
    await canvas().focus();
    // Two in the grid, three in the editor.
    for (const count of [2, 1, 2, 1, 0]) {
      await press('Control+z');
      await eventually(() => objects().count()).toBe(count);
    }
    await saved();
  });

  // Playwright's own emulation holds a browser's pixel ratio.
  it.runIf(host === 'electron')('paints with a pen’s pressure, at the pixel ratio of the screen', async () => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Emulation.setDeviceMetricsOverride', {
      ...{ width: 1280, height: 800, deviceScaleFactor: 2, mobile: false },
    });
    const ratios = (): Promise<number[]> =>
      page.evaluate(
        `[...document.querySelectorAll('[role=application] canvas')].map((one) => one.width / one.clientWidth)`,
      );
    await eventually(ratios).toEqual([2, 2, 2]);
    await press('m');
    await page.getByRole('checkbox', { name: 'Pressure' }).check();
    const pen = async (type: 'mousePressed' | 'mouseMoved' | 'mouseReleased', x: number, force: number) => {
      const [left, top] = await onScreen(x, 120);
      const buttons = type === 'mouseReleased' ? 0 : 1;
      await devtools.send('Input.dispatchMouseEvent', {
        ...{ type, x: left, y: top, button: 'left', buttons, clickCount: 1, pointerType: 'pen', force },
      });
    };
    await pen('mousePressed', 60, 0.1);
    for (let step = 1; step <= 12; step++) await pen('mouseMoved', 60 + 15 * step, 0.1 + 0.07 * step);
    await pen('mouseReleased', 240, 0);
    await eventually(names).toEqual([expect.stringMatching(/\s*mask/)]);
    await shot('pen');
    // Thin where it begins, as wide as twice the brush where it ends.
    const facts = page.getByRole('region', { name: 'Selected labels' }).locator('.facts').first();
    const [width, height, , , area] = ((await facts.textContent()) ?? '')
      .replaceAll(',', '')
      .match(/\d+/g)!
      .map(Number);
    expect(area).toBeLessThan(0.75 * width! * height!);
    expect(height).toBeGreaterThan(30);
    await page.getByRole('checkbox', { name: 'Pressure' }).uncheck();
    await canvas().focus();
    await press('Control+z', 'v');
    await eventually(() => objects().count()).toBe(0);
    await devtools.send('Emulation.clearDeviceMetricsOverride');
    await eventually(ratios).toEqual([1, 1, 1]);
  });

  it('copies to the next image, and takes back on whichever image it was', async () => {
    await press('b');
    await drag([40, 40], [100, 90]);
    await eventually(() => objects().count()).toBe(1);
    await saved();
    await press('Shift+C', 'd');
    await page.getByRole('application', { name: /photo 6\.jpg/ }).waitFor();
    await eventually(() => objects().count()).toBe(1);
    await press('Control+z');
    await eventually(() => objects().count()).toBe(0);
    await press('Control+z');
    await page.getByRole('application', { name: /photo 5\.jpg/ }).waitFor();
    await eventually(() => objects().count()).toBe(0);
    await press('v');
    await saved();
  });

  it.runIf(host === 'electron')('keeps two windows in step', async () => {
    const { app } = session as ElectronSession;
    const opened = app.waitForEvent('window');
    await app.evaluate(({ Menu }) => {
      const entries = (Menu.getApplicationMenu()?.items ?? []).flatMap(({ submenu }) => submenu?.items ?? []);
      entries.find(({ label }) => label === 'New window')?.click();
    });
    const second = await opened;
    second.setDefaultTimeout(30_000);
    // It begins where the first one is.
    await second.getByRole('application', { name: /photo 5\.jpg, .* 0 labels/ }).waitFor();
    await press('b');
    await drag([40, 40], [100, 90]);
    await second.getByRole('application', { name: / 1 labels/ }).waitFor();
    await second.getByRole('application').focus();
    await second.keyboard.press('Control+z');
    await eventually(() => objects().count()).toBe(0);
    await second.close();
    await press('v');
    await saved();
  });

  it.runIf(host === 'electron')('has room for two hundred classes', async () => {
    const [project] = await callInPage(page, 'project.recent', {});
    const { projectId } = project!;
    const [dataset] = await callInPage(page, 'dataset.list', { projectId });
    for (let number = 3; number <= 200; number++) {
      const name =
        number === 7
          ? `a class whose name is far too long for the panel ${'and goes on '.repeat(4)}`
          : `class ${number}`;
      await callInPage(page, 'category.create', { projectId, datasetId: dataset!.datasetId, name });
    }
    await page.getByRole('button', { name: 'class 9', exact: true }).waitFor();
    await shot('overfull');
  });

  it.runIf(host === 'web')('looks right in both themes and in two sizes', async () => {
    await page.getByRole('option', { name: /photo 3\.jpg/ }).click();
    await page.getByRole('application', { name: /photo 3\.jpg/ }).waitFor();
    await page.getByRole('button', { name: 'Brush', exact: true }).click();
    for (const theme of ['Dark', 'Light']) {
      await press('Control+k');
      await page.keyboard.type(`theme: ${theme}`);
      await press('Enter');
      for (const [width, height] of [
        [1280, 800],
        [1920, 1080],
      ] as const) {
        await page.setViewportSize({ width, height });
        await page.waitForTimeout(500);
        await moveTo(90, 70);
        await shot(`${theme.toLowerCase()}-${width}`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await press('v');
  });

  it('has it all after a restart', async () => {
    await saved();
    const { userDataFolder } = session;
    await session.close();
    session = await launch({ userDataFolder });
    watch();
    await page
      .getByRole('button', { name: /Chapter one/ })
      .or(page.getByRole('link', { name: /Chapter one/ }))
      .first()
      .click();
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Annotate' }).click();
    // The first image that is still to do, or needs another look.
    await page.getByRole('application', { name: /photo 2\.jpg/ }).waitFor();
    await eventually(() => objects().count()).toBe(3);
    await press('d');
    await page.getByRole('application', { name: /photo 3\.jpg/ }).waitFor();
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*mask/),
      expect.stringMatching(/nucleus\s*polygon/),
      expect.stringMatching(/cell\s*box/),
    ]);
    await press('Control+z');
    await page.getByRole('application', { name: /photo 3\.jpg/ }).waitFor();
  });

  it('met no error in the page', () => expect(problems).toEqual([]));
});
