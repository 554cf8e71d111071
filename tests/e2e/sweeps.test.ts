/** A sweep of 2 × 2 tiny runs in real Electron: planned on the train screen, watched, judged, deleted and brought back; and the lab. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { screenshot, type AppSession } from '../helpers/app-session.ts';
import { launchElectron } from '../helpers/electron.ts';
import { writeCifar10 } from '../helpers/generated-data.ts';
import { createProject, importImages } from '../helpers/walk.ts';

let session: AppSession;
const problems: string[] = [];

beforeAll(async () => {
  session = await launchElectron();
  session.page.on('pageerror', (error) => problems.push(error.message));
  session.page.setDefaultTimeout(30_000);
  const parentFolder = mkdtempSync(join(tmpdir(), 'fovea-sweeps-'));
  const dataFolder = join(parentFolder, 'cifar');
  await writeCifar10(dataFolder, { perClass: 40, testPerClass: 10, seed: 1 });
  const walk = { page: session.page, host: 'sweeps', parentFolder, dataFolder, counts: { train: '400', test: '100' } };
  await createProject(walk);
  await importImages(walk);
}, 120_000);
afterAll(() => session.close());

const goTo = (screen: string) =>
  session.page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();

it('is planned over the plan, and says what it comes to', async () => {
  const { page } = session;
  await goTo('Train');
  await page.getByLabel('Epochs', { exact: true }).fill('3');
  await page.keyboard.press('Tab');
  await page.getByText(/from a few steps made just now/).waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Sweep…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sweep over the plan' });
  await dialog.getByLabel('Add a setting').click();
  await page.getByRole('option', { name: /^Batch norm/ }).click();
  await dialog.getByRole('group', { name: 'Values of Batch norm' }).waitFor();
  await dialog.getByLabel('Seeds', { exact: true }).fill('1, 2');
  await dialog.getByText(/4 runs: 2 combinations × 2 seeds, about .* one after the other/).waitFor();
  await dialog.getByRole('radio', { name: 'Slurm' }).click();
  await dialog.getByLabel('Partition').waitFor();
  await screenshot(page, 'sweeps-5-slurm');
  await dialog.getByRole('radio', { name: 'This machine' }).click();
  await dialog.getByText(/4 runs: 2 combinations/).waitFor();
  await screenshot(page, 'sweeps-4-plan');
  await dialog.getByRole('button', { name: 'Start', exact: true }).click();
});

it('trains its runs and shows mean and deviation over seeds', async () => {
  const { page } = session;
  await page.getByRole('heading', { name: 'Batch norm' }).waitFor();
  await screenshot(page, 'sweeps-6-live');
  await page.getByText('4 of 4 finished').waitFor({ timeout: 180_000 });
  const scores = page.locator('td.score');
  await expect
    .poll(() => scores.allTextContents())
    .toEqual([expect.stringContaining('±'), expect.stringContaining('±')]);
  await page.getByRole('button', { name: 'Runs of on' }).click();
  await page.getByRole('link', { name: 'Seed 2' }).waitFor();
  await screenshot(page, 'sweeps-7-done');
  await page.getByRole('radio', { name: 'Train–test gap' }).click();
  await page.getByText('Train–test gap: accuracy').first().waitFor();
  await page.waitForTimeout(500);
  await screenshot(page, 'sweeps-8-gap');
});

it('is deleted with its runs and brought back', async () => {
  const { page } = session;
  await page.getByRole('button', { name: 'Delete the sweep' }).click();
  await page.getByText('No sweeps yet').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: /Batch norm.*4 of 4 finished/ }).waitFor();
  await screenshot(page, 'sweeps-9-list');
});

it('makes the lab’s twins, and draws the gap of each lever', async () => {
  const { page } = session;
  await page.getByRole('button', { name: 'Lab' }).click();
  await page.getByLabel('Dropout', { exact: true }).click();
  await page.getByLabel('L2 (weight decay)', { exact: true }).click();
  await page.getByText(/3 runs: 3 combinations × 1 seed/).waitFor();
  await page.getByRole('button', { name: 'Make the runs' }).click();
  await page.getByText('3 of 3 finished').waitFor({ timeout: 180_000 });
  await page.getByText('Dropout 0.5').first().waitFor();
  await page.waitForTimeout(500);
  await screenshot(page, 'sweeps-10-lab');
  expect(problems).toEqual([]);
});
