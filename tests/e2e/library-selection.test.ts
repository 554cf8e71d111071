/**
 * Many images at once, in the real Electron: selected by mouse, by a frame and by keyboard, tagged, split, reviewed, deleted
 * and brought back; the dialogs of versions, moved images and kept views; a large image in tiles. Needs a build in out/.
 */
import { mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { screenshot, type AppSession } from '../helpers/app-session.ts';
import { launchElectron } from '../helpers/electron.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { callInPage } from '../helpers/page-calls.ts';
import { createProject } from '../helpers/walk.ts';

const imageCount = 60;
const [largeWidthPx, largeHeightPx] = [8000, 5000];

/** Sixty photographs with a cat each, every fifth for validation, and one image of forty megapixels. */
async function writeDataset(folder: string): Promise<void> {
  const files: Record<string, string | Uint8Array> = {
    'data.yaml': 'train: images/train\nval: images/val\nnames: [cat]\n',
  };
  const picture = await photo({ widthPx: 160, heightPx: 120 });
  for (let number = 0; number < imageCount; number++) {
    const name = `${number % 5 === 0 ? 'val' : 'train'}/photo ${String(number).padStart(2, '0')}`;
    files[`images/${name}.jpg`] = picture;
    files[`labels/${name}.txt`] = '0 0.5 0.5 0.5 0.5\n';
  }
  const stripe = { create: { width: 500, height: largeHeightPx, channels: 3 as const, background: '#ff2020' } };
  files['images/val/zz large.jpg'] = await sharp({
    create: { width: largeWidthPx, height: largeHeightPx, channels: 3, background: '#2060c0' },
  })
    .composite([{ input: await sharp(stripe).png().toBuffer(), left: 0, top: 0 }])
    .jpeg()
    .toBuffer();
  await writeFiles(folder, files);
}

describe('in Electron', () => {
  let session: AppSession;
  let page: Page;
  let folder: string;
  const problems: string[] = [];
  const shot = (name: string): Promise<string> => screenshot(page, `library-selection-${name}`);
  const bar = () => page.getByRole('toolbar', { name: 'Selected images' });
  const selected = (count: number) =>
    bar()
      .getByText(`${count} image${count === 1 ? '' : 's'} selected`)
      .waitFor();
  const shown = (count: number) =>
    page
      .getByText(`${count} image${count === 1 ? '' : 's'}`, { exact: true })
      .first()
      .waitFor();
  const grid = () => page.getByRole('listbox', { name: 'Images' });
  /** The first cell of the grid at this place; thumbnails of 96 px and captions of 20. */
  const cell = (column: number, row: number) => ({ x: 40 + column * 100, y: 50 + row * 118 });
  const run = async (command: string): Promise<void> => {
    await page.keyboard.press('Control+k');
    const palette = page.getByRole('dialog', { name: 'Commands' });
    await palette.getByRole('combobox').fill(command);
    await palette.getByRole('option').first().waitFor();
    await page.keyboard.press('Enter');
    await palette.waitFor({ state: 'detached' });
  };

  beforeAll(async () => {
    session = await launchElectron();
    page = session.page;
    folder = mkdtempSync(join(tmpdir(), 'fovea-selection-'));
    await writeDataset(join(folder, 'cats'));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.setDefaultTimeout(30_000);
    await createProject({
      page,
      host: 'selection',
      parentFolder: folder,
      dataFolder: '',
      counts: { train: '', test: '' },
    });
    await page.keyboard.press('i');
    const dialog = page.getByRole('dialog', { name: 'Import data' });
    await dialog.getByRole('textbox', { name: 'Folder or archive' }).fill(join(folder, 'cats'));
    await page.keyboard.press('Enter');
    await dialog.getByText(`${imageCount} boxes`).waitFor();
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await shown(imageCount + 1);
  }, 120_000);
  afterAll(() => session.close());

  it('selects by click, Ctrl, Shift and a frame', async () => {
    await grid().click({ position: cell(0, 0) });
    await grid().click({ position: cell(2, 0), modifiers: ['Control'] });
    await selected(2);
    await grid().click({ position: cell(4, 0), modifiers: ['Shift'] });
    await selected(3);
    await grid().click({ position: cell(0, 0), modifiers: ['Control'] });
    await selected(4);
    const box = (await grid().boundingBox())!;
    const [from, to] = [cell(1, 1), cell(3, 2)];
    await page.mouse.move(box.x + from.x, box.y + from.y);
    await page.mouse.down();
    await page.mouse.move(box.x + to.x, box.y + to.y, { steps: 4 });
    await selected(6);
    await shot('frame');
    await page.mouse.up();
    await selected(6);
    await grid().click({ position: cell(0, 0) });
    await bar().waitFor({ state: 'detached' });
  });

  it('selects by keyboard, tags, and finds the tag again', async () => {
    await grid().focus();
    await page.keyboard.press('Home');
    for (let step = 0; step < 4; step++) await page.keyboard.press('Shift+ArrowRight');
    await selected(5);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('x');
    await selected(6);
    await page.keyboard.press('t');
    const dialog = page.getByRole('dialog', { name: 'Tag 6 images' });
    await dialog.getByRole('textbox', { name: 'Tag' }).fill('to check');
    await page.keyboard.press('Enter');
    await page.getByText('6 images tagged “to check”.').waitFor();
    await page.getByRole('button', { name: /^to check/ }).click();
    await shown(6);
    await shot('tag');
    expect(await page.getByRole('combobox', { name: 'Query' }).inputValue()).toBe('tag:"to check"');
  });

  it('splits, reviews and deletes what is selected, and takes each back', async () => {
    await grid().focus();
    await page.keyboard.press('Control+a');
    await selected(6);
    await bar().getByRole('button', { name: 'Split' }).click();
    await page.getByRole('menuitem', { name: 'Test' }).click();
    await page.getByText('6 images: split set to Test.').first().waitFor();
    await page.getByRole('button', { name: /^Test/ }).waitFor();
    await page.keyboard.press('Control+z');
    await page.getByText('Taken back: 6 images: split set to Test.').waitFor();
    await page.getByRole('button', { name: /^Test/ }).waitFor({ state: 'detached' });

    await bar().getByRole('button', { name: 'Review' }).click();
    await page.getByRole('menuitem', { name: 'Rejected' }).click();
    await page.getByText('6 images: marked as rejected.').first().waitFor();
    await page.keyboard.press('Control+z');
    await page.getByText('Taken back: 6 images: marked as rejected.').waitFor();

    await page.keyboard.press('Delete');
    await page.getByText('No image passes this filter').waitFor();
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await shown(6);
  });

  it('opens the selected images in the editor, and no others', async () => {
    await grid().focus();
    await page.keyboard.press('Control+a');
    await selected(6);
    await bar().getByRole('button', { name: 'Label' }).click();
    await page.waitForURL(/\/annotate\//);
    expect(decodeURIComponent(page.url())).toMatch(/query=id=/);
    await page.getByRole('application').waitFor();
    await page.getByText('1 of 6').first().waitFor();
    await page.goBack();
    await page.getByRole('button', { name: 'Clear the query' }).click();
    await shown(imageCount + 1);
  });

  it('keeps a view under a name, and shows it again', async () => {
    const query = page.getByRole('combobox', { name: 'Query' });
    await query.fill('split:val width<1000');
    await page.keyboard.press('Enter');
    await shown(12);
    await page.getByRole('button', { name: 'Saved views' }).click();
    await page.getByRole('menuitem', { name: 'Keep this view…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Keep this view' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Held out');
    await shot('save-view');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Clear the query' }).click();
    await shown(imageCount + 1);
    await page.getByRole('button', { name: 'Saved views' }).click();
    await page.getByRole('menuitem', { name: 'Held out', exact: true }).click();
    await shown(12);
    await page.getByRole('button', { name: 'Saved views' }).click();
    await page.getByRole('menuitem', { name: 'Forget “Held out”' }).click();
    await page.getByText('The view “Held out” is gone.').waitFor();
    await page.getByRole('button', { name: 'Clear the query' }).click();
  });

  it('records versions and says what has changed since', async () => {
    await run('Versions of this');
    const dialog = page.getByRole('dialog', { name: /^Versions of/ });
    await dialog.getByRole('button', { name: 'Record a version' }).click();
    await dialog.getByText(`${imageCount + 1} images, ${imageCount} labels`).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await grid().focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Delete');
    await shown(imageCount);
    await run('Versions of this');
    await dialog.getByRole('button', { name: 'Compare' }).click();
    await dialog
      .getByText(/^Removed/)
      .first()
      .waitFor();
    await shot('versions');
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await shown(imageCount + 1);
  });

  it('finds images again that were moved', async () => {
    renameSync(join(folder, 'cats'), join(folder, 'moved cats'));
    await run('The images were moved');
    const dialog = page.getByRole('dialog', { name: /were moved$/ });
    const field = dialog.getByRole('textbox', { name: 'Folder' });
    await field.fill(join(folder, 'moved cats'));
    await dialog.getByRole('button', { name: 'Look there' }).click();
    await dialog
      .getByText(new RegExp(`${imageCount + 1}`))
      .first()
      .waitFor();
    await shot('relink');
    await dialog.getByRole('button', { name: 'Use this folder' }).click();
    await dialog.waitFor({ state: 'detached' });
  });

  it('shows a large image in tiles, sharp where one looks closely', { timeout: 120_000 }, async () => {
    await page.getByRole('combobox', { name: 'Query' }).fill('width>1000');
    await page.keyboard.press('Enter');
    await shown(1);
    await grid().focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Space');
    const view = page.getByRole('region', { name: /^Image / });
    await view.waitFor();
    await page.waitForTimeout(1500);
    const canvas = view.locator('canvas');
    const box = (await canvas.boundingBox())!;
    const scale = Math.min((box.width - 48) / largeWidthPx, (box.height - 48) / largeHeightPx);
    // The edge of the stripe comes under the pointer and stays there.
    const [x, y] = [(box.width - largeWidthPx * scale) / 2 + 500 * scale, box.height / 2];
    await page.mouse.move(box.x + x, box.y + y);
    const answers: string[] = [];
    page.on('response', (response) => answers.push(response.url()));
    for (let step = 0; step < 3; step++) await page.mouse.wheel(0, -400);
    await expect
      .poll(() => answers.filter((url) => url.includes('/tile/')).length, { timeout: 60_000 })
      .toBeGreaterThan(0);
    await page.waitForTimeout(2000);
    await shot('tiles');
    const { data, info } = await sharp(await canvas.screenshot())
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const at = (px: number) => [...data.subarray((Math.round(y) * info.width + px) * 3).subarray(0, 3)];
    const [left, right] = [at(Math.round(x) - 60), at(Math.round(x) + 60)];
    expect([left[0]! > 200, left[2]! < 90, right[0]! < 90, right[2]! > 150]).toEqual([true, true, true, true]);
    // The editor draws it in the same way.
    await page.keyboard.press('e');
    const editor = page.getByRole('application');
    await editor.waitFor();
    await page.waitForTimeout(1500);
    answers.length = 0;
    const place = (await editor.boundingBox())!;
    await page.mouse.move(place.x + place.width / 2, place.y + place.height / 2);
    for (let step = 0; step < 3; step++) await page.mouse.wheel(0, -400);
    await expect
      .poll(() => answers.filter((url) => url.includes('/tile/')).length, { timeout: 60_000 })
      .toBeGreaterThan(0);
    await page.waitForTimeout(1500);
    await shot('tiles-editor');
    expect(answers.filter((url) => url.includes('/image/'))).toEqual([]);
  });

  it('takes several that are dropped at once, one after the other, each in the format that the person says', async () => {
    const picture = await photo({ widthPx: 160, heightPx: 120 });
    await writeFiles(join(folder, 'dropped'), {
      ...{ 'kinds/cat/1.jpg': picture, 'kinds/dog/2.jpg': picture, 'kinds/dog/3.jpg': picture },
      ...{ 'plain/4.jpg': picture, 'plain/5.jpg': picture },
    });
    const files = ['kinds', 'plain/4.jpg', 'plain/5.jpg'].map((name) => join(folder, 'dropped', name));
    const devtools = await page.context().newCDPSession(page);
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      const data = { items: [], files, dragOperationsMask: 1 };
      await devtools.send('Input.dispatchDragEvent', { type, x: 600, y: 400, data });
      if (type === 'dragOver') await page.getByText('Drop folders or archives').waitFor();
    }
    const first = page.getByRole('dialog', { name: 'Import data, 1 of 2' });
    await first.getByText(/^dog/).waitFor();
    await shot('dropped');
    await first.getByLabel('Format', { exact: true }).click();
    await page.getByRole('option', { name: 'Images without labels' }).click();
    await first.getByText('Not labelled').waitFor();
    await first.getByRole('button', { name: 'Import', exact: true }).click();
    const second = page.getByRole('dialog', { name: 'Import data, 2 of 2' });
    await second.getByRole('button', { name: 'Import', exact: true }).click();
    await second.waitFor({ state: 'detached' });
    const [, projectId] = /#\/([0-9a-f-]{36})/.exec(page.url()) ?? [];
    const imported = async (): Promise<string[]> => {
      const datasets = await callInPage(page, 'dataset.list', { projectId });
      return datasets.map(({ name, format, splitCounts }) => `${name}, ${format}, ${splitCounts.train}`).sort();
    };
    await expect
      .poll(imported, { timeout: 30_000 })
      .toEqual(expect.arrayContaining(['kinds, images, 3', 'plain, images, 2']));
  });

  it('shows what the cache takes in the settings, and empties it', async () => {
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Settings' }).click();
    const section = page.getByRole('region', { name: 'Thumbnails and tiles' });
    await section.getByText(/The open project keeps/).waitFor();
    await shot('settings');
    await section.getByRole('button', { name: 'Empty the cache' }).click();
    await section.getByText('The open project keeps 0 B').waitFor();
  });

  it('met no error in the page', () => expect(problems).toEqual([]));
});
