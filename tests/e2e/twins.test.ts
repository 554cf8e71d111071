/**
 * Scratch against pretrained, from the first screen to the image that the pretrained one fixed: the sample project, twins
 * started by one button and watched while they train, then compared, image by image, in panes that show what each found.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunSummary } from '../../src-main/contract/model/run.ts';
import { screenshot } from '../helpers/app-session.ts';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';
import { callInPage } from '../helpers/page-calls.ts';
import { paneInk } from '../helpers/pane-ink.ts';
import { planSampleRun } from '../helpers/sample-plan.ts';

/** So few that a network of random weights is sure of nothing yet. */
const epochs = 3;
const names = ['signs, from scratch', 'signs, pretrained'] as const;

describe('twins from scratch and pretrained', () => {
  let session: ElectronSession;
  let page: Page;
  const problems: string[] = [];

  const goTo = (screen: string) =>
    page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();
  const twins = async (): Promise<RunSummary[]> => {
    const [project] = await callInPage(page, 'project.recent', {});
    const runs = await callInPage(page, 'run.list', { projectId: project!.projectId });
    return names.map((name) => runs.find((run) => run.name === name)!);
  };
  /** What the curves' last points say. */
  const lossAtEnd = async (): Promise<string> => {
    const cursor = page.getByRole('slider', { name: 'Cursor over Loss' });
    await cursor.press('End');
    return (await cursor.getAttribute('aria-valuetext')) ?? '';
  };
  const pane = (name: string) => page.getByRole('figure').filter({ has: page.getByRole('img', { name }) });

  beforeAll(async () => {
    session = await launchElectron();
    ({ page } = session);
    const projectsFolder = join(mkdtempSync(join(tmpdir(), 'fovea-twins-')), 'projects');
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    await callInPage(page, 'settings.update', { patch: { projectsFolder } });
    await page.reload();
  }, 120_000);
  afterAll(() => session.close());

  it('are planned once, and started by one button', async () => {
    await page.getByRole('button', { name: 'Try with a sample project' }).click();
    await page.getByRole('listbox', { name: 'Images' }).waitFor({ timeout: 120_000 });
    await goTo('Train');
    await planSampleRun(page, { epochs, name: 'signs' });
    await page.getByRole('button', { name: 'Start as twin' }).click();
    await page.getByRole('menuitem', { name: /From scratch and pretrained/ }).waitFor();
    await screenshot(page, 'twins-1-start');
    await page.getByRole('menuitem', { name: /From scratch and pretrained/ }).click();
    const chips = page.getByRole('list', { name: 'Compared runs' });
    for (const name of names) await chips.getByText(name).waitFor();
  });

  it('are watched in one chart while they train', async () => {
    await expect.poll(lossAtEnd, { timeout: 120_000 }).toMatch(/^epoch [\d.]+: .*train · signs, from scratch \d/);
    const chips = page.getByRole('list', { name: 'Compared runs' });
    await chips.getByText('queued').waitFor(); // one run a device: the second has its turn after the first
    const before = await lossAtEnd();
    await screenshot(page, 'twins-2-live');
    await expect.poll(lossAtEnd, { timeout: 120_000 }).not.toBe(before);
    await expect
      .poll(async () => (await twins()).map(({ status }) => status), { timeout: 240_000 })
      .toEqual(['finished', 'finished']);
    await expect
      .poll(lossAtEnd)
      .toMatch(new RegExp(`^epoch ${epochs}: .*train · signs, from scratch .*train · signs, pretrained `));
    await screenshot(page, 'twins-3-curves');
  }, 300_000);

  it('are compared, and a sentence says which is better', async () => {
    await goTo('Runs');
    const runs = page.getByRole('grid', { name: 'Runs' });
    for (const name of names) await runs.getByRole('checkbox', { name: `Select ${name}` }).check();
    await page.getByRole('button', { name: 'Compare 2' }).click();
    await page
      .getByText(/signs, pretrained\s+wins on\s+test mAP50/)
      .first()
      .waitFor();
    await screenshot(page, 'twins-4-overview');
    const [scratch, pretrained] = (await twins()).map(({ latest }) => latest['test/ap50']!);
    expect(pretrained).toBeGreaterThan(scratch! + 0.2);
  });

  it('lead to an image that the pretrained one fixed, in panes side by side', async () => {
    await page.getByRole('tab', { name: 'Images' }).click();
    const list = page.getByRole('listbox', { name: 'Images, the most different first' });
    await list.getByRole('option').first().waitFor();
    const fixed = page.getByRole('button', { name: /^Fixed by signs, pretrained/ });
    const count = Number(/\d+$/.exec((await fixed.innerText()).trim())?.[0]);
    expect(count).toBeGreaterThan(0);
    await fixed.click();
    await expect.poll(() => list.getByRole('option').first().getAttribute('aria-setsize')).toBe(String(count));
    await list.getByRole('option').first().click();

    const [scratch, pretrained] = [pane(names[0]), pane(names[1])];
    await scratch.getByText(/^wrong, /).waitFor();
    await pretrained.getByText(/^right, /).waitFor();
    const found = async (it: typeof scratch) =>
      Number(/^(\d+) of \d+ found/.exec((await it.getByText(/ found/).innerText()).trim())?.[1]);
    expect(await found(pretrained)).toBeGreaterThan(await found(scratch));
    const truth = pane('Ground truth');
    await expect.poll(() => paneInk(truth)).toBeGreaterThan(0);
    await expect.poll(async () => (await paneInk(pretrained)) - (await paneInk(scratch))).toBeGreaterThan(0);
    await screenshot(page, 'twins-5-fixed');
    for (const [at, it] of [truth, scratch, pretrained].entries()) await screenshot(it, `twins-6-pane-${at + 1}`);
    expect(problems).toEqual([]);
  });
});
