/**
 * The walk of a new user, in the user's words: create a project, import, browse, train twins, cancel a run, look at
 * kernels and predictions, compare. The same for every host; each step leaves a screenshot in tests/artifacts.
 */
import { expect } from 'vitest';
import type { Page } from 'playwright-core';
import { screenshot } from './app-session.ts';

export interface WalkOptions {
  page: Page;
  /** Starts the names of the screenshots. */
  host: string;
  /** A folder for the new project. */
  parentFolder: string;
  /** A generated CIFAR-10. */
  dataFolder: string;
  /** How many training and test images it has, as the app writes numbers. */
  counts: { train: string; test: string };
}

const goTo = (page: Page, screen: string) =>
  page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();

export async function createProject({ page, host, parentFolder }: WalkOptions): Promise<void> {
  await screenshot(page, `${host}-1-start`);
  await page.getByRole('button', { name: 'New project' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'New project' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Chapter one');
  await dialog.getByRole('textbox', { name: 'Inside the folder' }).fill(parentFolder);
  await dialog.getByRole('button', { name: 'Create project' }).click();
  await page.getByText('No images yet').waitFor();
  await screenshot(page, `${host}-2-empty-project`);
}

export async function importImages({ page, host, dataFolder, counts }: WalkOptions): Promise<void> {
  await page.getByRole('button', { name: 'Import…' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'Import data' });
  await dialog.getByRole('textbox', { name: 'Folder or archive' }).fill(dataFolder);
  await dialog.getByRole('button', { name: 'Look inside' }).click();
  await dialog.getByText('airplane').first().waitFor();
  expect(await dialog.textContent()).toContain(counts.train);
  await screenshot(page, `${host}-3-import-report`);
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('listbox', { name: 'Images' }).waitFor({ timeout: 60_000 });
}

export async function browseImages({ page, host }: WalkOptions): Promise<void> {
  const images = page.getByLabel('Images', { exact: true });
  await page.waitForTimeout(1500); // the grid is a picture: nothing tells when its thumbnails are drawn
  await screenshot(page, `${host}-4-grid`);
  await page.getByRole('group', { name: 'Filter' }).or(page.getByLabel('Filters')).first().waitFor();
  await page.getByText('frog', { exact: true }).first().click();
  await page.waitForTimeout(1500);
  await screenshot(page, `${host}-5-filtered`);
  await images.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Space');
  await page.getByRole('region', { name: /^Image / }).waitFor();
  await screenshot(page, `${host}-6-image`);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Escape');
  await images.waitFor();
}

/** Plans two epochs and starts them with and without batch norm. */
export async function trainTwins({ page, host }: WalkOptions): Promise<void> {
  await goTo(page, 'Train');
  await page.getByRole('table', { name: 'Layers' }).getByText('62,006').waitFor();
  await page.getByLabel('Epochs', { exact: true }).fill('2');
  await page.keyboard.press('Tab');
  await screenshot(page, `${host}-7-train`);
  await page.getByRole('button', { name: 'Start as twin' }).click();
  await page.getByRole('menuitem', { name: /batch norm/ }).click();
  await page.getByRole('list', { name: 'Compared runs' }).waitFor();
  await goTo(page, 'Runs');
  const runs = page.getByRole('grid', { name: 'Runs' });
  await expect.poll(() => runs.getByRole('row').count(), { timeout: 20_000 }).toBe(3);
  await screenshot(page, `${host}-8-runs-live`);
  await expect.poll(() => runs.getByText('Finished').count(), { timeout: 120_000 }).toBe(2);
}

/** Starts a long run, watches it move, and cancels it; its checkpoint stays. */
export async function cancelLongRun({ page, host }: WalkOptions): Promise<void> {
  await goTo(page, 'Train');
  await page.getByLabel('Epochs', { exact: true }).fill('500');
  await page.keyboard.press('Tab');
  await page.getByRole('textbox', { name: 'Name of the run' }).fill('long run');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('button', { name: 'Cancel run' }).waitFor({ timeout: 30_000 });
  await page
    .getByText(/images\/s/)
    .first()
    .waitFor({ timeout: 60_000 });
  await expect
    .poll(async () => /[1-9]\d* of 500/.test((await page.textContent('body')) ?? ''), { timeout: 60_000 })
    .toBe(true);
  await screenshot(page, `${host}-9-live`);
  await page.getByRole('button', { name: 'Cancel run' }).click();
  await page.getByRole('button', { name: 'Resume' }).waitFor({ timeout: 30_000 });
  await screenshot(page, `${host}-10-cancelled`);
}

/** Looks inside a finished run. */
export async function lookInside({ page, host }: WalkOptions): Promise<void> {
  await goTo(page, 'Runs');
  await page.getByRole('grid', { name: 'Runs' }).getByRole('link').filter({ hasNotText: 'long run' }).first().click();
  await page.getByRole('tab', { name: 'Curves' }).waitFor();
  await screenshot(page, `${host}-11-curves`);
  await page.getByRole('tab', { name: 'Kernels' }).click();
  await page.getByText(/6 kernels of 3 × 5 × 5/).waitFor();
  await screenshot(page, `${host}-12-kernels`);
  await page.getByRole('tab', { name: 'Predictions' }).click();
  await page.getByRole('listbox', { name: 'Predictions' }).waitFor();
  await page.waitForTimeout(1500);
  await screenshot(page, `${host}-13-predictions`);
  await page.getByRole('tab', { name: 'Confusion' }).click();
  await page.getByText('airplane').first().waitFor();
  await screenshot(page, `${host}-14-confusion`);
}

/** Puts the twins side by side and returns the sentence that says who wins. */
export async function compareTwins({ page, host }: WalkOptions): Promise<string> {
  await goTo(page, 'Runs');
  const boxes = page.getByRole('grid', { name: 'Runs' }).getByRole('checkbox', { name: /^Select LeNet-5, batch norm/ });
  await expect.poll(() => boxes.count()).toBe(2);
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  await page.getByRole('button', { name: 'Compare 2' }).click();
  await page.getByRole('tab', { name: 'Overview' }).waitFor();
  const sentence = page.getByText(/on test accuracy|tie|cannot/i).first();
  await sentence.waitFor();
  await screenshot(page, `${host}-15-compare`);
  for (const [index, tab] of ['Curves', 'Metrics', 'Configuration', 'Kernels'].entries()) {
    await page.getByRole('tab', { name: tab }).click();
    await page.waitForTimeout(300);
    await screenshot(page, `${host}-${16 + index}-compare-${tab.toLowerCase()}`);
  }
  await page.getByRole('tab', { name: 'Configuration' }).click();
  await page
    .getByRole('table', { name: 'Settings that differ' })
    .getByRole('rowheader', { name: 'Batch norm' })
    .waitFor();
  return (await page.textContent('body')) ?? '';
}
