/**
 * A run while it trains and afterwards, in the real Electron: its rate is lowered, it is made longer, stopped with the best
 * kept; then its epochs, its inside and its batch are looked at, it is compared class by class, and beside a run from elsewhere.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, screenshot, type AppSession } from '../helpers/app-session.ts';
import { launchElectron } from '../helpers/electron.ts';
import { writeShapes } from '../helpers/generated-shapes.ts';
import { createProject } from '../helpers/walk.ts';

const goTo = (page: Page, screen: string) =>
  page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();

/** Command lines of the training processes that this app has started, on Linux. */
function trainingCommands(): string[][] {
  const entry = join(repository, 'out', 'main', 'training-process.js');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      } catch {
        return []; // it has ended
      }
    })
    .filter((command) => command.includes(entry));
}

describe('a run in Electron', () => {
  let session: AppSession;
  let page: Page;
  let parentFolder: string;
  const problems: string[] = [];
  const log = () => page.getByRole('log', { name: 'Log lines' });
  const tab = (name: string) => page.getByRole('tab', { name, exact: true }).click();

  async function change(entry: string | RegExp): Promise<void> {
    await page.getByRole('button', { name: 'Change…' }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  }

  beforeAll(async () => {
    session = await launchElectron();
    ({ page } = session);
    parentFolder = mkdtempSync(join(tmpdir(), 'fovea-live-'));
    await writeShapes(join(parentFolder, 'shapes'), { train: 12, test: 6, widthPx: 32, heightPx: 32, seed: 3 });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.setDefaultTimeout(120_000);
    await createProject({ page, host: 'live-controls', parentFolder, dataFolder: '', counts: { train: '', test: '' } });
    await page.getByRole('button', { name: 'Import…' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'Import data' });
    await dialog.getByRole('textbox', { name: 'Folder or archive' }).fill(join(parentFolder, 'shapes'));
    await dialog.getByRole('button', { name: 'Look inside' }).click();
    await dialog.getByText('disc').first().waitFor();
    await dialog.getByRole('button', { name: 'Import', exact: true }).click();
    await page.getByRole('listbox', { name: 'Images' }).waitFor();
    await goTo(page, 'Train');
    await page.getByRole('radio', { name: 'Segmentation', checked: true }).waitFor();
    await page.getByLabel('Decoder width', { exact: true }).fill('32');
    await page.getByLabel('Epochs', { exact: true }).fill('200');
    await page.getByLabel('Batch size', { exact: true }).fill('6');
    await page.keyboard.press('Tab');
    await page.getByRole('textbox', { name: 'Name of the run' }).fill('watched');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
  }, 300_000);
  afterAll(() => session.close());

  it('takes a lower rate and more epochs while it trains', { timeout: 400_000 }, async () => {
    await log()
      .getByText(/^Epoch 1:/)
      .waitFor();
    // In Electron's own processes one piece of memory of more than 1 GiB would end the run.
    if (process.platform === 'linux') expect(trainingCommands().map(([node = '']) => basename(node))).toEqual(['node']);
    await change('Lower the learning rate…');
    const dialog = page.getByRole('dialog', { name: 'Lower the learning rate' });
    await dialog.getByRole('button', { name: '× 0.5' }).click();
    await dialog.getByRole('button', { name: 'Change the rate' }).click();
    await log()
      .getByText(/by request: learning rate × 0.5/)
      .waitFor();
    await change('Train longer…');
    await page.getByRole('dialog', { name: 'Train longer' }).getByRole('button', { name: 'Train longer' }).click();
    await page
      .getByText(/of 210/)
      .first()
      .waitFor();
    await page.getByText('rate × 0.5').first().waitFor();
    await screenshot(page, 'live-controls-1-changed');
  });

  it('goes through its epochs with one slider', { timeout: 400_000 }, async () => {
    await log()
      .getByText(/^Epoch 3:/)
      .waitFor();
    await tab('Epochs');
    await page.getByRole('grid', { name: 'Confusion matrix' }).waitFor();
    const slider = page.getByRole('slider', { name: 'Epoch' });
    await slider.focus();
    await page.keyboard.press('Home');
    await page.getByText('epoch 1', { exact: true }).waitFor();
    await page.waitForTimeout(800);
    await screenshot(page, 'live-controls-2-epochs');
    await tab('Predictions');
    await page.getByRole('button', { name: 'Pin image' }).click();
    await page.getByText('after epoch 1').first().waitFor();
    await page.getByRole('button', { name: 'Latest' }).click();
    await expect.poll(() => page.getByText('after epoch 1').count()).toBe(0);
    await tab('Epochs');
    await expect.poll(() => page.getByRole('button', { name: /^Unpin image/ }).count()).toBe(1);
  });

  it('stops with the best kept, and is finished', { timeout: 300_000 }, async () => {
    await change(/^Stop and keep the best/);
    await page.getByText('Finished').first().waitFor();
    await tab('Curves');
    await log()
      .getByText(/Stopped by request. The best epoch was \d+/)
      .waitFor();
    await page
      .getByText(/(^|, )stopped$/)
      .first()
      .waitFor();
    await screenshot(page, 'live-controls-3-finished');
  });

  it('shows its inside and its batch', { timeout: 300_000 }, async () => {
    await tab('Inside');
    const layers = page.getByRole('listbox', { name: 'Layers of the network' });
    await layers.getByRole('option').first().waitFor();
    await layers.focus();
    await page.keyboard.press('ArrowDown');
    await page
      .getByRole('list', { name: /^Feature maps of/ })
      .locator('canvas')
      .first()
      .waitFor();
    await screenshot(page, 'live-controls-4-inside');
    await tab('Batch');
    await page.getByText(/The first 6 images of epoch \d+/).waitFor();
    await screenshot(page, 'live-controls-5-batch');
  });

  it('is compared class by class, and a cell leads to its images', { timeout: 400_000 }, async () => {
    await page.getByRole('button', { name: 'Train again…' }).click();
    await page.getByLabel('Epochs', { exact: true }).fill('1');
    await page.keyboard.press('Tab');
    await page.getByRole('textbox', { name: 'Name of the run' }).fill('one epoch');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('1 of 1').first().waitFor();
    await page.getByText('Finished').first().waitFor();
    await goTo(page, 'Runs');
    const runs = page.getByRole('grid', { name: 'Runs' });
    await runs.getByRole('checkbox', { name: 'Select one epoch' }).check();
    await runs.getByRole('checkbox', { name: 'Select watched' }).check();
    await page.getByRole('button', { name: 'Compare 2' }).click();
    await tab('Classes');
    await page.getByRole('table', { name: 'Recall of each class' }).getByText('disc').waitFor();
    const difference = page.getByRole('grid', { name: 'Difference of the confusions' });
    // What a network that has learned so little mixes up is not known beforehand.
    await difference
      .getByRole('gridcell', { name: /called .*: (?!0 before, 0 now)/ })
      .first()
      .click();
    await screenshot(page, 'live-controls-6-classes');
    await page.getByRole('button', { name: 'Show these images' }).click();
    await page.getByRole('button', { name: /^\w+ called \w+$/, pressed: true }).waitFor();
    await tab('Activations');
    await page.getByRole('table', { name: 'Activations of each layer' }).locator('svg').first().waitFor();
    await screenshot(page, 'live-controls-7-activations');
  });

  it('stands beside a run from elsewhere', { timeout: 300_000 }, async () => {
    const folder = join(parentFolder, 'train3');
    mkdirSync(folder);
    writeFileSync(join(folder, 'args.yaml'), 'task: detect\nmodel: yolov8n.pt\ndata: x.yaml\nepochs: 2\nbatch: 16\n');
    writeFileSync(
      join(folder, 'results.csv'),
      'epoch,time,metrics/mAP50(B),metrics/mAP50-95(B)\n1,10.5,0.3,0.2\n2,20.5,0.5,0.4\n',
    );
    await goTo(page, 'Runs');
    await page.getByRole('button', { name: 'Open…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Open a run from elsewhere' });
    await dialog.getByRole('textbox', { name: 'Folder' }).fill(folder);
    await dialog.getByRole('button', { name: 'Open', exact: true }).click();
    await page.getByRole('link', { name: 'train3' }).first().click();
    await page.getByText('0.400').first().waitFor();
    await page.getByRole('tab', { name: 'Configuration' }).waitFor();
    expect(await page.getByRole('tab').count()).toBe(2);
    await screenshot(page, 'live-controls-8-foreign');
    expect(problems).toEqual([]);
  });
});
