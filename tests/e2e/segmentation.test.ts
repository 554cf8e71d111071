/**
 * A segmentation from photographs with outlines to the overlay: imported, planned, trained, looked at, compared, in the
 * real Electron and in a browser.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { screenshot, type AppSession } from '../helpers/app-session.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { launchElectron } from '../helpers/electron.ts';
import { writeShapes } from '../helpers/generated-shapes.ts';
import { createProject } from '../helpers/walk.ts';

const hosts: Record<string, () => Promise<AppSession>> = { electron: launchElectron, web: launchBrowser };
const goTo = (page: Page, screen: string) =>
  page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();
/** The mean IoU that so few images and epochs must reach. */
const reached = 0.7;

describe.each(Object.entries(hosts))('in the %s host', (host, launch) => {
  let session: AppSession;
  let page: Page;
  let parentFolder: string;
  const problems: string[] = [];

  beforeAll(async () => {
    session = await launch();
    ({ page } = session);
    parentFolder = mkdtempSync(join(tmpdir(), 'fovea-shapes-'));
    await writeShapes(join(parentFolder, 'shapes'), { train: 48, test: 12, widthPx: 96, heightPx: 64, seed: 5 });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.setDefaultTimeout(30_000);
  }, 120_000);
  afterAll(() => session.close());

  it('imports photographs with their outlines', async () => {
    const name = `segmentation-${host}`;
    await createProject({ page, host: name, parentFolder, dataFolder: '', counts: { train: '', test: '' } });
    await page.getByRole('button', { name: 'Import…' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Import data' });
    await dialog.getByRole('textbox', { name: 'Folder or archive' }).fill(join(parentFolder, 'shapes'));
    await dialog.getByRole('button', { name: 'Look inside' }).click();
    await dialog.getByText('disc').first().waitFor();
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('listbox', { name: 'Images' }).waitFor({ timeout: 60_000 });
  });

  it('suggests segmentation, and plans a small U-Net', async () => {
    await goTo(page, 'Train');
    await page.getByRole('radio', { name: 'Segmentation', checked: true }).waitFor();
    await page.getByText(/96 outlines/).waitFor();
    await page.getByLabel('Decoder width', { exact: true }).fill('48');
    await page.getByLabel('Epochs', { exact: true }).fill('6');
    await page.getByLabel('Batch size', { exact: true }).fill('6');
    await page.getByRole('textbox', { name: 'Learning rate', exact: true }).fill('0.003');
    await page.keyboard.press('Tab');
    const terms = page.getByRole('group', { name: 'Terms of the loss' });
    expect(await terms.getByRole('group', { name: /^Term/ }).count()).toBe(2);
    await terms.getByRole('switch', { name: 'Class weights' }).click();
    await terms.getByLabel('Weight of class disc').waitFor();
    await screenshot(page, `segmentation-${host}-3-plan`);
    await terms.getByRole('switch', { name: 'Class weights' }).click();
    await page.getByText(/at its peak/).waitFor({ timeout: 60_000 });
  });

  it('trains to a mean IoU that says it has learned', async () => {
    await page.getByRole('textbox', { name: 'Name of the run' }).fill('U-Net');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('Finished').first().waitFor({ timeout: 150_000 });
    await screenshot(page, `segmentation-${host}-4-curves`);
    const score = await page.getByText('Test mean IoU').first().locator('xpath=following-sibling::dd').textContent();
    expect(Number(score)).toBeGreaterThan(reached);
  });

  it('shows masks beside the truth, the worst image first, and where they differ', async () => {
    await page.getByRole('tab', { name: 'Predictions' }).click();
    const list = page.getByRole('listbox', { name: 'Images, worst first' });
    await list.getByRole('option').first().waitFor();
    const values = (await list.locator('.number').allTextContents()).map(Number);
    expect(values.length).toBeGreaterThan(3);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
    await page.getByRole('img', { name: /^Prediction/ }).waitFor();
    const classes = page.getByRole('table', { name: 'Classes in this image' });
    await classes.getByRole('button', { name: 'square', exact: true }).click();
    await page.getByText('Errors of square are shown.').waitFor();
    await page.waitForTimeout(800); // the panes are pictures: nothing tells when they are drawn
    await screenshot(page, `segmentation-${host}-5-masks`);
    const confidence = page.getByRole('group', { name: 'Panes' }).getByRole('button', { name: 'Confidence' });
    await confidence.click();
    await page.getByRole('img', { name: /^Confidence/ }).waitFor();
    await page.waitForTimeout(500);
    await screenshot(page, `segmentation-${host}-5-confidence`);
    await confidence.click();
    const drawn = await inkOf(page, 'Prediction');
    await classes.getByRole('button', { name: 'Do not draw disc' }).click();
    await classes.getByRole('button', { name: 'Do not draw square' }).click();
    await page.waitForTimeout(300);
    // The shapes themselves are colourful too; their masks are more so, and wider.
    expect(await inkOf(page, 'Prediction')).toBeLessThan(0.9 * drawn);
  });

  it('explains every number and leads to its images', async () => {
    await page.getByRole('tab', { name: 'Measures' }).click();
    await page.getByRole('button', { name: /^IoU of square/ }).click();
    const origin = page.getByRole('complementary', { name: 'Where the number comes from' });
    await origin.getByText('TP / (TP + FP + FN)').waitFor();
    await screenshot(page, `segmentation-${host}-6-measures`);
    await origin.getByRole('button', { name: /^Show all/ }).click();
    await page.getByRole('listbox', { name: 'Images, worst first' }).waitFor();
    await page.getByRole('tab', { name: 'Confusion' }).click();
    await page.getByRole('gridcell', { name: /pixels of disc called background/ }).waitFor();
    await screenshot(page, `segmentation-${host}-7-confusion`);
  });

  it('lays two runs side by side on the same image', async () => {
    await page.getByRole('button', { name: 'Train again…' }).click();
    await page.getByLabel('Epochs', { exact: true }).fill('1');
    await page.keyboard.press('Tab');
    await page.getByRole('textbox', { name: 'Name of the run' }).fill('one epoch');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('1 of 1').first().waitFor({ timeout: 90_000 });
    await page.getByText('Finished').first().waitFor({ timeout: 90_000 });
    await goTo(page, 'Runs');
    const runs = page.getByRole('grid', { name: 'Runs' });
    await runs.getByRole('checkbox', { name: 'Select one epoch' }).check();
    await runs.getByRole('checkbox', { name: 'Select U-Net' }).check();
    await page.getByRole('button', { name: 'Compare 2' }).click();
    await page.getByRole('tab', { name: 'Images' }).click();
    await page.getByRole('img', { name: /^Ground truth/ }).waitFor();
    await page.waitForTimeout(800);
    await screenshot(page, `segmentation-${host}-8-compare`);
    await page.getByRole('radio', { name: 'Swipe' }).click();
    await page.getByRole('slider', { name: /^Divider/ }).waitFor();
    await page.waitForTimeout(300);
    await screenshot(page, `segmentation-${host}-9-swipe`);
  });

  it('looks at new files in tiles, shows what it says, and writes it down', async () => {
    const photos = join(parentFolder, 'new photographs');
    await writeFiles(photos, {
      'small.png': await photo({ widthPx: 96, heightPx: 64 }, 'png'),
      'large.png': await photo({ widthPx: 250, heightPx: 150 }, 'png'),
      'broken.jpg': 'this is no image',
    });
    await goTo(page, 'Predict');
    await page.getByRole('button', { name: 'Predict new files…' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Predict new files' });
    await dialog.getByLabel('Run', { exact: true }).click();
    await page.getByRole('option', { name: /^U-Net/ }).click();
    await dialog.getByRole('textbox', { name: 'Folder or image' }).fill(photos);
    await dialog.getByRole('switch', { name: 'In tiles' }).click();
    await screenshot(page, `segmentation-${host}-10-predict`);
    await dialog.getByRole('button', { name: 'Predict', exact: true }).click();
    const list = page.getByRole('listbox', { name: 'Predicted images' });
    await list.getByRole('option', { name: 'small.png' }).waitFor({ timeout: 60_000 });
    expect(await list.getByRole('option').count()).toBe(2);
    await page.getByText('2 images, 1 could not be read').waitFor();
    await page.getByRole('img', { name: /^Confidence/ }).waitFor();
    await list.getByRole('option', { name: 'small.png' }).click();
    await page.getByText('96 × 64 px').waitFor();
    await page.keyboard.press('ArrowLeft');
    await page.getByText('250 × 150 px').waitFor();
    await page.waitForTimeout(500);
    await screenshot(page, `segmentation-${host}-11-predicted`);
    await page.getByRole('button', { name: 'Write…' }).click();
    const target = join(parentFolder, 'written masks');
    const writing = page.getByRole('dialog', { name: 'Write predictions' });
    await writing.getByRole('textbox', { name: 'New folder' }).fill(target);
    await writing.getByRole('button', { name: 'Write', exact: true }).click();
    await page.getByText('Writing predictions of U-Net: done.').waitFor();
    const { data, info } = await sharp(join(target, 'large.png')).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([250, 150]);
    expect(data.every((value) => value <= 2)).toBe(true);
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByRole('button', { name: 'Delete predictions' }).click();
    await page.getByText('Let a network look at new images').waitFor();
    expect(problems).toEqual([]);
  });
});

/** As much of a canvas as is used in the page. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): { getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray } };
}

/** Share of a pane's pixels that are much more colourful than the grey ground of the images. */
function inkOf(page: Page, pane: string): Promise<number> {
  return page
    .getByRole('img', { name: new RegExp(`^${pane}`) })
    .locator('canvas')
    .evaluate((element) => {
      const canvas = element as unknown as Canvas;
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let coloured = 0;
      for (let at = 0; at < data.length; at += 4) {
        const [red, green, blue] = [data[at]!, data[at + 1]!, data[at + 2]!];
        if (Math.max(red, green, blue) - Math.min(red, green, blue) > 70 && data[at + 3]! > 0) coloured++;
      }
      return coloured / (data.length / 4);
    });
}
