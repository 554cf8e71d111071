/**
 * Train, runs, run and compare in a browser over generated runs: what a person does there, with mouse and keyboard, and
 * pictures of every screen in both themes. Needs a build in out/.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWebHost, type WebHost } from '../../src-main/hosts/web/server.ts';
import { defaultSize, repository, screenshot } from '../helpers/app-session.ts';
import { launchChromium } from '../helpers/browser.ts';
import { sample } from '../helpers/fake-backend.ts';
import { createPreviewBackend, type PreviewBackend, type PreviewScene } from '../helpers/preview-backend.ts';

interface Preview {
  page: Page;
  backend: PreviewBackend;
  /** What the page complained about. */
  problems: string[];
  open: (screen: string) => Promise<void>;
  close: () => Promise<void>;
}

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

async function preview(scene: PreviewScene, theme: 'dark' | 'light' = 'dark'): Promise<Preview> {
  const backend = createPreviewBackend(scene, theme);
  const stopTraining = backend.train();
  const host: WebHost = await startWebHost({ backend, rendererFolder: join(repository, 'out', 'renderer'), port: 0 });
  const page = await browser.newPage({ viewport: defaultSize });
  page.setDefaultTimeout(10_000);
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(host.url);
  await page.getByRole('heading').first().waitFor();
  return {
    page,
    backend,
    problems,
    open: async (screen) => {
      await page.evaluate(`location.hash = '#/${sample.project.projectId}/${screen}'`);
    },
    close: async () => {
      stopTraining();
      await page.close();
      await host.close();
    },
  };
}

describe('with some runs', () => {
  let at: Preview;
  beforeAll(async () => {
    at = await preview('typical');
  });
  afterAll(() => at.close());

  const lastRequest = (name: string) => at.backend.requests.findLast((request) => request.name === name)?.request;

  it('plans a run: layers, counts and findings follow the settings', async () => {
    const { page } = at;
    await at.open('train');
    const layers = page.getByRole('table', { name: 'Layers' });
    await layers.getByText('62,006').waitFor();
    await page.getByRole('switch', { name: 'Batch norm' }).click();
    await layers.getByText('63,226').waitFor();
    await page.getByRole('button', { name: 'Reset Batch norm to off' }).click();
    await layers.getByText('62,006').waitFor();
  });

  it('does not start with a text that is no number, and says where', async () => {
    const { page } = at;
    const start = page.getByRole('button', { name: 'Start', exact: true });
    await page.getByLabel('Batch size').fill('many');
    expect(await start.isDisabled()).toBe(true);
    await page.getByText('Batch size: "many" is not a number.').waitFor();
    await page
      .getByRole('button', { name: 'Reset Batch size to 64' })
      .or(page.getByLabel('Batch size'))
      .first()
      .fill('128');
    await expect.poll(() => start.isEnabled()).toBe(true);
  });

  it('starts twins that differ in the switch alone', async () => {
    const { page } = at;
    await page.getByRole('button', { name: 'Start as twin' }).click();
    await page.getByRole('menuitem', { name: /batch norm/ }).click();
    await expect.poll(() => at.backend.requests.filter((request) => request.name === 'run.start').length).toBe(2);
    const [off, on] = at.backend.requests
      .filter((request) => request.name === 'run.start')
      .map(({ request }) => (request as { config: typeof sample.config }).config);
    expect([off?.model.options['batchNorm'], on?.model.options['batchNorm']]).toEqual([false, true]);
    expect({ ...on, model: null }).toEqual({ ...off, model: null });
    expect(off?.batchSize).toBe(128);
  });

  it('edits phases by key and by mouse, and takes every step back', async () => {
    const { page } = at;
    await at.open('train');
    await page.getByRole('button', { name: 'Reset all' }).click();
    await page.getByRole('button', { name: 'Recipes' }).click();
    await page.getByRole('menuitem', { name: /Freeze, then unfreeze/ }).click();
    const phases = page.getByRole('list', { name: 'Phases' }).getByRole('listitem');
    const epochs = async () => (await phases.allTextContents()).map((text) => /Epochs? [\d–]+/.exec(text)?.[0]);
    expect(await epochs()).toEqual(['Epochs 1–5', 'Epochs 6–20']);
    await page.getByText('850 of 62,006 parameters train').waitFor();
    await page.getByText(/^Phase 1: 0.001 over 5 epochs/).waitFor();

    await page.getByRole('button', { name: /^Phase 2/ }).focus();
    await page.keyboard.press('Alt+ArrowUp');
    expect(await epochs()).toEqual(['Epochs 1–15', 'Epochs 16–20']);
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Phase 1');

    const grip = (await phases.first().locator('.grip').boundingBox())!;
    const last = (await phases.last().boundingBox())!;
    await page.mouse.move(grip.x + 8, grip.y + 8);
    await page.mouse.down();
    await page.mouse.move(last.x + 8, last.y + last.height + 20, { steps: 5 });
    await page.mouse.up();
    expect(await epochs()).toEqual(['Epochs 1–5', 'Epochs 6–20']);

    for (let step = 0; step < 3; step++) await page.keyboard.press('Control+z');
    await expect.poll(() => phases.count()).toBe(0);
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(() => phases.count()).toBe(2);
    await page.getByRole('button', { name: 'Reset all' }).click();
  });

  it('freezes a layer by key and counts what still trains', async () => {
    const { page } = at;
    await page.getByRole('button', { name: 'Choose…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Freeze layers' });
    await dialog.getByRole('treeitem', { name: /^conv1/ }).press('Space');
    await dialog.getByText('61,550 of 62,006 parameters train').waitFor();
    for (const key of ['ArrowDown', 'Space', 'ArrowDown', 'Space', 'End', 'Space', 'ArrowUp', 'Space'])
      await page.keyboard.press(key);
    await dialog.getByText('Nothing would be trained: leave a layer free.').waitFor();
    expect(await dialog.getByRole('button', { name: 'Apply' }).isDisabled()).toBe(true);
    await dialog.getByRole('button', { name: 'Nothing' }).click();
    await dialog.getByRole('treeitem', { name: /^conv1/ }).click();
    await dialog.getByRole('button', { name: 'Apply' }).click();
    expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe('Choose…');
    await page.getByRole('table', { name: 'Layers' }).getByText('61,550 of them trained').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('None: all 62,006 parameters train').waitFor();
  });

  it('offers micro-batches where the memory is too small', async () => {
    const { page } = at;
    await page.getByText(/^About 380 MB at its peak/).waitFor();
    await page.getByLabel('Batch size').fill('8192');
    await page.getByRole('button', { name: 'Use micro-batches of 4096 (accumulation 2)' }).click();
    await page.getByText(/^About 4.8 GB at its peak; /).waitFor();
    expect(await page.getByRole('textbox', { name: 'Batch size' }).inputValue()).toBe('4096');
    await page.getByRole('button', { name: 'Reset all' }).click();
  });

  it('checks a device with progress, and can be stopped', async () => {
    const { page } = at;
    await page.getByRole('link', { name: 'Devices of this machine' }).click();
    await page.getByText('cannot open shared object file').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Check again GPU (WebGPU over Vulkan)' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('progressbar', { name: 'Check of GPU (WebGPU over Vulkan)' }).waitFor();
    await page.getByText('Comparing Conv 3×3').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Right, but slow').waitFor();
  });

  it('draws a run while it trains', async () => {
    const { page } = at;
    await at.open('run/8');
    await page
      .getByText(/images\/s/)
      .first()
      .waitFor();
    const cursor = page.getByRole('slider', { name: 'Cursor over Loss' });
    await cursor.focus();
    /** What the curves' last point says. */
    const reading = async () => {
      await page.keyboard.press('End');
      return (await cursor.getAttribute('aria-valuetext')) ?? '';
    };
    await expect.poll(reading).toMatch(/^epoch \d+\.\d+: .*train 0\.\d{3}$/);
    const before = await reading();
    await expect.poll(reading).not.toBe(before);
  });

  it('zooms by dragging, for all charts at once, and back by a double click', async () => {
    const { page } = at;
    await at.open('run/1');
    const accuracy = page.getByRole('slider', { name: 'Cursor over Accuracy' });
    await expect.poll(() => accuracy.getAttribute('aria-valuemax')).toBe('20');
    const box = (await page.getByRole('slider', { name: 'Cursor over Loss' }).boundingBox())!;
    await page.mouse.move(box.x + 200, box.y + 80);
    await page.mouse.down();
    await page.mouse.move(box.x + 400, box.y + 80, { steps: 5 });
    await page.mouse.up();
    await expect.poll(async () => Number(await accuracy.getAttribute('aria-valuemax'))).toBeLessThan(15);
    await page.mouse.dblclick(box.x + 300, box.y + 80);
    await expect.poll(() => accuracy.getAttribute('aria-valuemax')).toBe('20');
  });

  it('shows a chart as a table', async () => {
    const { page } = at;
    await page.getByRole('button', { name: 'Loss as a table' }).click();
    const row = page
      .getByRole('row')
      .filter({ has: page.getByRole('rowheader', { name: 'test' }) })
      .first();
    expect(await row.textContent()).toContain('at epoch 20');
    await page.getByRole('button', { name: 'Loss as a table' }).click();
  });

  it('walks over kernels by key and shows their weights', async () => {
    const { page } = at;
    await at.open('run/2?tab=kernels');
    await page.getByText('6 kernels of 3 × 5 × 5').waitFor();
    await page.getByRole('listbox', { name: 'Kernels of C1' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('heading', { name: 'C1, output channel 1' }).waitFor();
    await page.getByRole('radio', { name: 'C3' }).click();
    await page.getByText('16 kernels of 6 × 5 × 5').waitFor();
    await page.getByRole('radio', { name: 'Best' }).click();
    await expect.poll(() => lastRequest('run.kernels')).toMatchObject({ checkpoint: 'best' });
  });

  it('shows what became of the layers through training', async () => {
    const { page } = at;
    await at.open('run/2?tab=inside');
    await page.getByRole('radio', { name: 'Through training' }).click();
    await page.getByRole('radio', { name: /^fc1\.weight/ }).click();
    const tensor = page.getByRole('region', { name: 'Tensor fc1.weight' });
    await tensor.getByRole('slider', { name: 'Cursor over Gradient norm' }).waitFor();
    await tensor.getByRole('img', { name: /^Gradients of fc1\.weight: from .* epoch 1 to 20$/ }).waitFor();
    await tensor.getByRole('radio', { name: 'Ridges' }).click();
    await tensor.getByRole('radio', { name: 'Ridges', checked: true }).waitFor();
    await tensor.getByRole('img', { name: /^Gradients of fc1\.weight: from .* epoch 1 to 20$/ }).waitFor();
    const biases = page.getByRole('radio', { name: /^fc1\.bias/ });
    expect(await biases.count()).toBe(0);
    await page.getByRole('radio', { name: 'All', exact: true }).click();
    await biases.click();
    await page.getByText('Biases and norms have no histograms.').waitFor();
  });

  it('opens a wrong prediction large, and leads from a mix-up to its images', async () => {
    const { page } = at;
    await at.open('run/2?tab=predictions');
    const list = page.getByRole('listbox', { name: 'Predictions' });
    await list.getByRole('option').first().click();
    await page.getByText(/^Wrong:/).waitFor();
    expect(await page.getByRole('list', { name: 'Probability of each class' }).getByRole('listitem').count()).toBe(10);
    expect(await list.getByRole('option').count()).toBeLessThan(100);

    await page.getByRole('tab', { name: 'Confusion' }).click();
    await page.getByRole('gridcell', { name: /images of cat called dog/ }).click();
    await page.getByRole('button', { name: 'Show these images' }).click();
    await expect
      .poll(() => lastRequest('run.predictions'))
      .toMatchObject({
        filter: { groundTruthCategoryId: 4, predictedCategoryId: 6 },
      });
    await page.getByRole('option', { name: 'called dog, is cat' }).first().waitFor();
  });

  it('selects runs by key and compares them', async () => {
    const { page } = at;
    await at.open('runs');
    const grid = page.getByRole('grid', { name: 'Runs' });
    await grid.getByRole('row', { name: /plain, second seed/ }).focus();
    for (const key of ['Space', 'ArrowDown', 'Space', 'c']) await page.keyboard.press(key);
    await page.getByRole('list', { name: 'Compared runs' }).waitFor();
    await page.getByText(/^Each setting was run with one seed only/).waitFor();
  });

  it('says what seeds support, and in which settings runs differ', async () => {
    const { page } = at;
    await at.open('compare?runs=1.2.4.5');
    await page.getByText(/^The seeds support it/).waitFor();
    await page.getByRole('tab', { name: 'Configuration' }).click();
    const rows = page.getByRole('table', { name: 'Settings that differ' }).getByRole('rowheader');
    expect(await rows.allTextContents()).toEqual(['Batch norm', 'Seed']);
    await page.getByRole('tab', { name: 'Metrics' }).click();
    await page.getByRole('radio', { name: 'Each run' }).click();
    expect(await page.getByRole('table', { name: 'Metrics' }).getByLabel('best of all').count()).toBe(8);
  });

  it('deletes by key without a question, and brings back what was deleted', async () => {
    const { page } = at;
    await at.open('runs');
    const grid = page.getByRole('grid', { name: 'Runs' });
    const row = grid.getByRole('row', { name: /decaying rate/ });
    await row.focus();
    await page.keyboard.press('Delete');
    await row.waitFor({ state: 'detached' });
    expect(lastRequest('run.delete')).toMatchObject({ runId: 6 });
    await expect.poll(() => page.evaluate('document.activeElement.getAttribute("aria-rowindex")')).not.toBeNull();
    await page.keyboard.press('Control+z');
    await row.waitFor();
    expect(lastRequest('run.restore')).toMatchObject({ runId: 6 });
    await row.focus();
    await page.keyboard.press('Delete');
    await page.getByText('"decaying rate" deleted.').waitFor();
    await page.getByRole('button', { name: 'Undo' }).last().click();
    await row.waitFor();
  });

  it('lists deleted runs in the trash, with what they take, brings one back and empties it after a question', async () => {
    const { page } = at;
    await at.open('runs');
    const row = page.getByRole('grid', { name: 'Runs' }).getByRole('row', { name: /decaying rate/ });
    const dialog = page.getByRole('dialog', { name: 'Trash' });
    const openTrash = async (): Promise<void> => {
      await page.keyboard.press('Control+k');
      await page.keyboard.type('Trash');
      await page.keyboard.press('Enter');
      await dialog.waitFor();
    };
    await row.focus();
    await page.keyboard.press('Delete');
    await row.waitFor({ state: 'detached' });
    await openTrash();
    await dialog.getByText(/^Run, 12 epochs$/).waitFor();
    await dialog.getByText('2.5 MB').waitFor();
    await dialog.getByRole('button', { name: 'Bring back' }).click();
    await dialog.getByText('The trash is empty.').waitFor();
    expect(lastRequest('trash.restore')).toMatchObject({ item: { kind: 'run', runId: 6 } });
    await page.keyboard.press('Escape');
    await row.waitFor();

    // Another of its own, so that the tests that follow find this one.
    await page
      .getByRole('grid', { name: 'Runs' })
      .getByRole('row', { name: /plain, second seed/ })
      .focus();
    await page.keyboard.press('Delete');
    await openTrash();
    await dialog.getByRole('button', { name: 'Empty the trash…' }).click();
    const question = page.getByRole('alertdialog', { name: 'Empty the trash?' });
    await question.getByRole('button', { name: 'Keep' }).click();
    await question.waitFor({ state: 'detached' });
    await dialog.getByRole('button', { name: 'Delete “plain, second seed” for good…' }).click();
    const other = page.getByRole('alertdialog', { name: 'Delete “plain, second seed” for good?' });
    await other.getByText(/^Curves, predictions, checkpoints and logs go for good/).waitFor();
    await other.getByRole('button', { name: 'Keep' }).click();
    await dialog.getByRole('button', { name: 'Bring back' }).click();
    await dialog.getByText('The trash is empty.').waitFor();
    await page.keyboard.press('Escape');
  });

  it('keeps runs in order: tags, notes, pins and the archive', async () => {
    const { page } = at;
    const grid = page.getByRole('grid', { name: 'Runs' });
    await grid.getByRole('row', { name: /tutorial loss/ }).click();
    await page.getByLabel('Tags').last().fill('to keep');
    await page.keyboard.press('Enter');
    await expect.poll(() => lastRequest('run.organise')).toMatchObject({ runId: 3, changes: { tags: ['to keep'] } });
    await page.getByLabel('Notes').fill('softmax twice');
    await page.getByLabel('Notes').blur();
    await expect.poll(() => lastRequest('run.organise')).toMatchObject({ changes: { notes: 'softmax twice' } });
    await page.getByRole('button', { name: /^to keep/ }).click();
    await expect.poll(() => grid.getByRole('row').count()).toBe(2);
    await grid.getByRole('row', { name: /tutorial loss/ }).focus();
    await page.keyboard.press('p');
    await grid.getByLabel('Pinned').waitFor();
    await page.keyboard.press('e');
    await page.getByText('No run is called so').waitFor();
    await page.getByRole('button', { name: /^Archived/ }).click();
    await grid.getByRole('row', { name: /tutorial loss/ }).waitFor();
    await page.getByRole('searchbox', { name: 'Search runs' }).fill('is:archived -tag:other');
    await expect.poll(() => grid.getByRole('row').count()).toBe(2);
    await page.getByRole('searchbox', { name: 'Search runs' }).fill('');
  });

  it('puts waiting runs into another order by key and by mouse, and pauses the queue', async () => {
    const { page } = at;
    const start = (name: string) =>
      at.backend.handlers['run.start']({ projectId: sample.project.projectId, config: sample.config, name });
    for (const name of ['second in line', 'third in line']) {
      const summary = await start(name);
      at.backend.emit('run.changed', { projectId: sample.project.projectId, summary });
    }
    at.backend.emit('run.queueChanged', await at.backend.handlers['run.queue']({}));
    const queue = page.getByRole('region', { name: 'Queue' });
    const waiting = queue.getByRole('listitem');
    // Twins of the train screen wait there too.
    const names = async () => (await waiting.allTextContents()).map((text) => text.replace(/^\s*\d+\s*/, '').trim());
    await expect.poll(async () => (await names()).at(-1)).toBe('third in line');
    const before = await names();
    await waiting.last().focus();
    await page.keyboard.press('Alt+ArrowUp');
    await expect.poll(names).toEqual([...before.slice(0, -2), 'third in line', 'second in line']);
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toContain('third in line');

    const grip = (await waiting.first().locator('.grip').boundingBox())!;
    const last = (await waiting.last().boundingBox())!;
    await page.mouse.move(grip.x + 8, grip.y + 8);
    await page.mouse.down();
    await page.mouse.move(last.x + 8, last.y + last.height + 8, { steps: 5 });
    await page.mouse.up();
    await expect.poll(async () => (await names()).at(-1)).toBe(before[0]);

    await queue.getByRole('button', { name: 'Pause' }).click();
    await queue.getByText(/paused, so none of them starts/).waitFor();
    await queue.getByRole('button', { name: 'Go on' }).click();
    await expect.poll(() => lastRequest('run.pauseQueue')).toEqual({ paused: false });
  });

  it('keeps a plan as a preset, takes it again, and takes that back', async () => {
    const { page } = at;
    await at.open('train');
    const batchNorm = page.getByRole('switch', { name: 'Batch norm' });
    if (!(await batchNorm.isChecked())) await batchNorm.click();
    await page.keyboard.press('Control+s');
    await page.getByRole('dialog', { name: 'Save as preset' }).getByLabel('Name').fill('with norm');
    await page.keyboard.press('Enter');
    await page.getByText('The preset "with norm" is saved.').waitFor();
    await batchNorm.click();
    await page.getByRole('button', { name: 'Presets' }).click();
    await page.getByRole('menuitem', { name: /^with norm Batch norm on/ }).click();
    await expect.poll(() => batchNorm.isChecked()).toBe(true);
    await page
      .getByRole('region', { name: 'Messages' })
      .locator('.toast', { hasText: 'follows the preset' })
      .getByRole('button', { name: 'Undo' })
      .click();
    await expect.poll(() => batchNorm.isChecked()).toBe(false);
  });

  it('exports the plan, and takes it from a file', async () => {
    const { page } = at;
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Presets' }).click();
    await page.getByRole('menuitem', { name: 'Export as JSON…' }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe('plan.json');
    const document = JSON.parse(await readFile(await file.path(), 'utf8'));
    const chooser = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Presets' }).click();
    await page.getByRole('menuitem', { name: 'Import a configuration…' }).click();
    const buffer = Buffer.from(JSON.stringify({ ...document, batchSize: 96 }));
    await (await chooser).setFiles({ name: 'mine.json', mimeType: 'application/json', buffer });
    await page.getByText('The plan follows "mine.json".').waitFor();
    expect(await page.getByRole('textbox', { name: 'Batch size' }).inputValue()).toBe('96');
    const again = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Presets' }).click();
    await page.getByRole('menuitem', { name: 'Import a configuration…' }).click();
    await (await again).setFiles({ name: 'bad.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') });
    await page.getByText(/"bad.json" was not taken over/).waitFor();
    await page.getByRole('button', { name: 'Reset all' }).click();
  });

  it('means over seeds, and writes a report of the comparison', async () => {
    const { page } = at;
    await at.open('compare?runs=1.2.4.5&tab=metrics');
    const table = page.getByRole('table', { name: 'Metrics' });
    await table.getByText('2 seeds').first().waitFor();
    expect(await table.getByText(/± 0\.\d{3}/).count()).toBe(16);
    await page.getByRole('radio', { name: 'Each run' }).click();
    await expect.poll(() => table.getByText(/^± /).count()).toBe(0);
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Report' }).click();
    await page.getByRole('menuitem', { name: /^Report as HTML/ }).click();
    expect((await download).suggestedFilename()).toMatch(/^Comparison of lenet5-1, .*\.html$/);
    expect(await readFile(await (await download).path(), 'utf8')).toContain('<svg');
  });

  it('zooms and moves along by key and by wheel', async () => {
    const { page } = at;
    await at.open('run/1');
    const cursor = page.getByRole('slider', { name: 'Cursor over Loss' });
    const shown = async () => [
      Number(await cursor.getAttribute('aria-valuemin')),
      Number(await cursor.getAttribute('aria-valuemax')),
    ];
    await expect.poll(shown).toEqual([0, 20]);
    await cursor.focus();
    await page.keyboard.press('+');
    await expect.poll(shown).toEqual([5, 15]);
    await page.keyboard.press('Shift+ArrowRight');
    await expect.poll(shown).toEqual([7.5, 17.5]);
    const box = (await cursor.boundingBox())!;
    await page.mouse.move(box.x + 300, box.y + 80);
    await page.mouse.wheel(-400, 0);
    await expect.poll(async () => (await shown())[0]).toBeLessThan(5);
    const [start] = await shown();
    await page.keyboard.down('Shift');
    await page.mouse.down();
    await page.mouse.move(box.x + 100, box.y + 80, { steps: 4 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    await expect.poll(async () => (await shown())[0]! - start!).toBeGreaterThan(2);
    await page.keyboard.press('0');
    await expect.poll(shown).toEqual([0, 20]);
  });

  it('has met no error and no breach of the policy', () => expect(at.problems).toEqual([]));
});

describe('in pictures', () => {
  const screens = {
    train: 'train',
    devices: 'devices',
    runs: 'runs',
    curves: 'run/1',
    live: 'run/8',
    kernels: 'run/2?tab=kernels',
    predictions: 'run/2?tab=predictions',
    confusion: 'run/2?tab=confusion',
    configuration: 'run/10?tab=configuration',
    phases: 'run/10',
    overview: 'compare?runs=1.2.4.5',
    'compare-curves': 'compare?runs=1.2.3&tab=curves',
    metrics: 'compare?runs=1.2.4.5&tab=metrics',
  };
  const settleMs = 500;

  it.each([
    ['typical', 'dark'],
    ['typical', 'light'],
    ['overfull', 'dark'],
    ['empty', 'light'],
  ] as const)('%s, %s', async (scene, theme) => {
    const at = await preview(scene, theme);
    const shown = scene === 'empty' ? { train: 'train', runs: 'runs', compare: 'compare' } : screens;
    for (const [name, screen] of Object.entries(shown)) {
      await at.open(screen);
      await at.page.waitForTimeout(settleMs);
      await screenshot(at.page, `screens-${scene}-${theme}-${name}`);
    }
    await at.close();
    expect(at.problems).toEqual([]);
  });
});
