/**
 * Photographs with boxes and outlines as a person brings them in, looks at them and takes them out again, in the real
 * Electron and in Chromium in front of the web host, by keyboard where there is a key. Needs a build in out/.
 */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { screenshot, type AppSession } from '../helpers/app-session.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { launchElectron } from '../helpers/electron.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { createProject } from '../helpers/walk.ts';

const hosts: Record<string, () => Promise<AppSession>> = { electron: launchElectron, web: launchBrowser };

async function writeDataset(folder: string): Promise<void> {
  const files: Record<string, string | Uint8Array> = {
    'data.yaml': 'train: images/train\nval: images/val\nnames: [cat, dog]\n',
    'labels/train/lost.txt': '0 0.5 0.5 0.1 0.1\n',
  };
  for (let number = 0; number < 30; number++) {
    const split = number < 24 ? 'train' : 'val';
    const name = `${split}/photo ${String(number).padStart(2, '0')}`;
    files[`images/${name}.jpg`] = await photo({ widthPx: 320, heightPx: 200 + number });
    files[`labels/${name}.txt`] = '0 0.25 0.25 0.3 0.3\n0 0.8 0.2 0.2 0.2\n1 0.5 0.5 0.9 0.5 0.9 0.9 0.6 0.8\n';
  }
  files['images/val/cut.jpg'] = (await photo({ widthPx: 320, heightPx: 200 })).subarray(0, 1500);
  await writeFiles(folder, files);
}

/** What the large view shows at a place, given as shares of its width and height; labels and all. */
async function colourAt(page: Page, x: number, y: number): Promise<string> {
  const picture = await page
    .getByRole('region', { name: /^Image / })
    .locator('canvas')
    .screenshot();
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (Math.round(y * info.height) * info.width + Math.round(x * info.width)) * 3;
  return [...data.subarray(at, at + 3)].join();
}

describe.each(Object.entries(hosts))('in the %s host', (host, launch) => {
  let session: AppSession;
  let page: Page;
  let folder: string;
  const problems: string[] = [];
  const shot = (name: string): Promise<string> => screenshot(page, `library-${host}-${name}`);

  beforeAll(async () => {
    session = await launch();
    page = session.page;
    folder = mkdtempSync(join(tmpdir(), 'fovea-library-'));
    await writeDataset(join(folder, 'pets'));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.setDefaultTimeout(30_000);
    await createProject({ page, host, parentFolder: folder, dataFolder: '', counts: { train: '', test: '' } });
  }, 120_000);
  afterAll(() => session.close());

  it('says what it found and what is wrong before anything is written', async () => {
    await page.keyboard.press('i');
    const dialog = page.getByRole('dialog', { name: 'Import data' });
    await dialog.getByRole('textbox', { name: 'Folder or archive' }).fill(join(folder, 'pets'));
    await page.keyboard.press('Enter');
    await dialog.getByText('60 boxes, 30 polygons').waitFor();
    const text = (await dialog.textContent()) ?? '';
    expect(text).toContain('30 (24 train, 6 validation)');
    expect(text).toContain('images/val/cut.jpg');
    expect(text).toContain('its end is missing');
    expect(text).toContain('labels/train/lost.txt');
    await shot('report');
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('listbox', { name: 'Images' }).waitFor();
    await page.getByText('30 images').first().waitFor();
    expect(existsSync(join(folder, 'pets', 'images', 'train', 'photo 00.jpg'))).toBe(true);
  });

  it('draws boxes and outlines on the grid and in the large view, and hides them by a key', async () => {
    await page.waitForTimeout(1500); // the grid is a picture: nothing tells when its thumbnails are drawn
    await shot('grid');
    await page.getByLabel('Images', { exact: true }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Space');
    await page.getByRole('region', { name: /^Image / }).waitFor();
    await page.waitForTimeout(500);
    await shot('image');
    const inside = await colourAt(page, 0.7, 0.6);
    await page.keyboard.press('b');
    await page.waitForTimeout(300);
    expect(await colourAt(page, 0.7, 0.6)).not.toBe(inside);
    await page.keyboard.press('b');
    await page.waitForTimeout(300);
    expect(await colourAt(page, 0.7, 0.6)).toBe(inside);
    await page.keyboard.press('Escape');
  });

  it('counts labels and images of each class, and filters by it', async () => {
    const dog = page.getByRole('button', { name: /^dog/ });
    expect(await page.getByRole('button', { name: /^cat/ }).textContent()).toMatch(/cat\s*60\s*30/);
    expect(await dog.textContent()).toMatch(/dog\s*30\s*30/);
    await dog.click();
    await page.getByText('30 images').first().waitFor();
    await dog.click();
  });

  it('finds images by a text query that completes itself, and says what is wrong with one', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('cla');
    await page.getByRole('option', { name: /^class:/ }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.keyboard.type('do');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.keyboard.type('split:val');
    await shot('query');
    await page.keyboard.press('Enter');
    await page.getByText('6 images').first().waitFor();
    const query = page.getByRole('combobox', { name: 'Query' });
    expect(await query.inputValue()).toBe('class:dog split:val');
    await query.fill('class:');
    await page.keyboard.press('Enter');
    await page.getByText('A value is missing after').waitFor();
    await query.fill('class:horse');
    await page.keyboard.press('Enter');
    await page.getByText('there is no class “horse”').first().waitFor();
    await shot('query-wrong');
    await page.getByRole('button', { name: 'Clear the query' }).click();
    await page.getByText('30 images').first().waitFor();
  });

  it('shows what the data set is like, and each bar leads to its images', async () => {
    await page
      .getByRole('radio', { name: 'Health' })
      .or(page.getByRole('button', { name: 'Health' }))
      .first()
      .click();
    await page.getByText('30 images, 90 labels').waitFor();
    await shot('health');
    await page.getByRole('list', { name: 'Classes', exact: true }).getByRole('button', { name: /cat/ }).click();
    await page.getByText('30 images').first().waitFor();
    await page.getByRole('button', { name: 'Clear the query' }).click();
  });

  it('shows labels of a class as tiles, gives them another class at once, and takes that back', async () => {
    await page
      .getByRole('radio', { name: 'Labels' })
      .or(page.getByRole('button', { name: 'Labels' }))
      .first()
      .click();
    await page.getByText('60 labels').waitFor();
    await page.waitForTimeout(1500); // pictures come as they are ready
    const tiles = page.getByRole('listbox', { name: 'Labels' }).getByRole('option');
    await tiles.nth(0).click();
    await tiles.nth(4).click({ modifiers: ['Shift'] });
    await page.getByText('60 labels, 5 chosen').waitFor();
    await shot('labels');
    await page.getByRole('button', { name: 'Remove labels' }).click();
    await page.getByText('55 labels').waitFor();
    await page.getByRole('button', { name: 'Undo' }).first().click();
    await page.getByText('60 labels').waitFor();
    await page
      .getByRole('radio', { name: 'Grid' })
      .or(page.getByRole('button', { name: 'Grid' }))
      .first()
      .click();
  });

  it('splits the images anew after saying what will happen, and takes it back', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('Split into');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Split “pets”' });
    await dialog.getByText('Train 24, Validation 6, Test 0').waitFor();
    await dialog.getByRole('textbox', { name: 'Validation' }).fill('10');
    await page.keyboard.press('Tab');
    await dialog.getByText('Train 24, Validation 3, Test 3').waitFor();
    await shot('split');
    await dialog.getByRole('button', { name: 'Split', exact: true }).click();
    await dialog.getByText('Split by class').waitFor();
    await dialog.getByRole('button', { name: 'Undo' }).click();
    await dialog.getByText('Split by class').waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await dialog.waitFor({ state: 'detached' });
  });

  it('gives the list of commands the keys at once, before the next frame', async () => {
    const focused = await page.evaluate(`(async () => {
      const key = { key: 'k', ctrlKey: true, bubbles: true, cancelable: true };
      document.activeElement.dispatchEvent(new KeyboardEvent('keydown', key));
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      return document.activeElement.getAttribute('aria-label');
    })()`);
    expect(focused).toBe('Search commands');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Commands' }).waitFor({ state: 'detached' });
  });

  it('exports for other tools after saying what is lost', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('Export this');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Export “pets”' });
    await dialog.getByText('Nothing is lost').waitFor();
    await dialog.getByRole('textbox', { name: 'New folder' }).fill(join(folder, 'out'));
    await shot('export');
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await expect
      .poll(() => existsSync(join(folder, 'out', 'annotations', 'instances_val.json')), { timeout: 30_000 })
      .toBe(true);
    const json = JSON.parse(readFileSync(join(folder, 'out', 'annotations', 'instances_val.json'), 'utf8')) as {
      images: unknown[];
      annotations: unknown[];
    };
    expect([json.images.length, json.annotations.length]).toEqual([6, 18]);
  });

  it('keeps what is deleted in the trash', async () => {
    await page.keyboard.press('Control+k');
    await page.keyboard.type('Delete this data set');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Delete data set' }).click();
    await page.getByText('No images yet').waitFor();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('Trash');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Trash' });
    await dialog.getByTitle('pets').waitFor();
    await dialog.getByText('Data set, 30 images').waitFor();
    // Its thumbnails and tiles are in the project.
    await dialog.getByText(/^[\d.]+ [kM]B$/).waitFor();
    await shot('trash');
    await dialog.getByRole('button', { name: 'Bring back' }).click();
    await dialog.getByText('The trash is empty.').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('30 images').first().waitFor();
  });

  it('met no error in the page', () => expect(problems).toEqual([]));
});
