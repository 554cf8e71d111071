/** A run of two phases from the form to its end, in a browser over the real services: conv1 frozen, then everything. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AppSession } from '../helpers/app-session.ts';
import { screenshot } from '../helpers/app-session.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { writeCifar10 } from '../helpers/generated-data.ts';
import { createProject, importImages } from '../helpers/walk.ts';

let session: AppSession;
const problems: string[] = [];

beforeAll(async () => {
  session = await launchBrowser();
  session.page.on('pageerror', (error) => problems.push(error.message));
  session.page.setDefaultTimeout(30_000);
  const parentFolder = mkdtempSync(join(tmpdir(), 'fovea-phases-'));
  const dataFolder = join(parentFolder, 'cifar');
  await writeCifar10(dataFolder, { perClass: 60, testPerClass: 20, seed: 1 });
  const walk = { page: session.page, host: 'phases', parentFolder, dataFolder, counts: { train: '600', test: '200' } };
  await createProject(walk);
  await importImages(walk);
}, 120_000);
afterAll(() => session.close());

it('plans two phases, the first with conv1 frozen', async () => {
  const { page } = session;
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Train' }).click();
  await page.getByText('None: all 62,006 parameters train').waitFor();
  await page.getByLabel('Epochs', { exact: true }).fill('1');
  await page.getByRole('button', { name: 'Choose…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Freeze layers' });
  await dialog.getByRole('treeitem', { name: /^conv1/ }).click();
  await dialog.getByRole('button', { name: 'Apply' }).click();
  await page
    .getByText(/61,550 of 62,006 parameters train/)
    .first()
    .waitFor();

  await page.getByRole('button', { name: 'Add phase' }).click();
  await page.getByRole('button', { name: /^Phase 2 Epoch 2/, expanded: true }).waitFor();
  await page.getByLabel('Epochs', { exact: true }).fill('2');
  await page.getByLabel('Learning rate', { exact: true }).last().fill('0.0005');
  await page.getByText('Phase 1: 0.001 over 1 epoch. Phase 2: 0.0005 over 2 epochs.').waitFor();
  await page.getByText(/at its peak/).waitFor({ timeout: 60_000 });
  await screenshot(page, 'phases-1-plan');
});

it('measures how its layers are computed fastest here, can be cancelled, and forgets', async () => {
  const { page } = session;
  const time = page.getByRole('region', { name: 'Time' });
  const start = time.getByRole('button', { name: 'Measure layers' });
  await time.getByText(/takes a minute or two to measure/).waitFor();
  await start.focus();
  await page.keyboard.press('Enter');
  // Its button became this one, and kept the focus.
  await time.getByRole('progressbar', { name: 'Measuring layers' }).waitFor();
  await time.locator('button:focus').filter({ hasText: 'Cancel' }).waitFor();
  await page.keyboard.press('Enter');
  await start.waitFor();
  expect(await time.getByRole('button', { name: 'Forget what was measured' }).count()).toBe(0);
  await start.click();
  await time.getByText(/A step now takes .* less|in the fastest way already/).waitFor({ timeout: 60_000 });
  await screenshot(page, 'phases-measured');
  await time.getByRole('button', { name: 'Forget what was measured' }).click();
  await time.getByText(/takes a minute or two to measure/).waitFor();
});

it('trains both, and says so afterwards', async () => {
  const { page } = session;
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByText('Finished').first().waitFor({ timeout: 120_000 });
  expect(await page.getByText('3 of 3').count()).toBeGreaterThan(0);
  await page
    .getByText(/(^|, )phase 2, unfrozen/)
    .first()
    .waitFor();
  await screenshot(page, 'phases-2-curves');
  await page.getByRole('tab', { name: 'Configuration' }).click();
  await page.getByRole('table', { name: 'Phase 1: epoch 1' }).getByText('61,550 of 62,006').waitFor();
  await page.getByRole('table', { name: 'Phase 2: epochs 2–3' }).getByText('0.0005').waitFor();
  await screenshot(page, 'phases-3-configuration');
  expect(problems).toEqual([]);
});
