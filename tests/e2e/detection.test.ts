/**
 * The sample project, from the first screen with no download: drawn scenes, a plan that comes with them, a detector that is
 * trained from the checkpoint that comes along, its boxes over the images, and the network as a file that is checked.
 */
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { screenshot } from '../helpers/app-session.ts';
import { decodeCellMask } from '../../src-main/contract/geometry/cell-mask.ts';
import { launchElectron, type ElectronSession } from '../helpers/electron.ts';
import { callInPage } from '../helpers/page-calls.ts';
import { writePosedSample } from '../helpers/posed-sample.ts';
import { planSampleRun } from '../helpers/sample-plan.ts';

/** The mAP50 that so few epochs must reach. */
const reached = 0.5;
const epochs = 6;

interface DrawnObjects {
  kind: string;
  objects: { bbox: [number, number, number, number]; bytes: number[] }[];
}

/** What the overlay of the latest run's first image is drawn from: the objects that are there, and what a head has of each. */
async function objectsOfFirstImage(page: Page): Promise<DrawnObjects> {
  const [project] = await callInPage(page, 'project.recent', {});
  const { projectId } = project!;
  const [run] = await callInPage(page, 'run.list', { projectId });
  return page.evaluate<DrawnObjects>(`(async () => {
    const ask = async (name, request) => (await window.fovea.calls[name](request)).value;
    const run = ${JSON.stringify({ projectId, runId: run!.runId })};
    const { imageIds } = await ask('run.scores', run);
    const { objects, head } = await ask('run.boxes', { ...run, imageId: imageIds[0] });
    const { starts, bytes } = head.objects;
    return {
      kind: head.kind,
      objects: Array.from({ length: objects.length / 7 }, (_, i) => ({
        bbox: [...objects.subarray(7 * i + 1, 7 * i + 5)],
        bytes: [...bytes.subarray(starts[i], starts[i + 1])],
      })),
    };
  })()`);
}

describe('the sample project', () => {
  let session: ElectronSession;
  let page: Page;
  let folder: string;
  const problems: string[] = [];
  const goTo = (screen: string) =>
    page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: screen }).click();

  beforeAll(async () => {
    session = await launchElectron();
    ({ page } = session);
    folder = mkdtempSync(join(tmpdir(), 'fovea-sample-'));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.setDefaultTimeout(60_000);
    await callInPage(page, 'settings.update', { patch: { projectsFolder: join(folder, 'projects') } });
    await page.reload();
  }, 120_000);
  afterAll(() => session.close());

  it('is one click away on the first screen', async () => {
    await page.getByRole('button', { name: 'Try with a sample project' }).waitFor();
    await screenshot(page, 'detection-1-start');
    await page.getByRole('button', { name: 'Try with a sample project' }).click();
    await page.getByRole('listbox', { name: 'Images' }).waitFor({ timeout: 120_000 });
    await page.waitForTimeout(800); // thumbnails are pictures: nothing tells when they are drawn
    await screenshot(page, 'detection-2-images');
  });

  it('brings a plan, which trains to an mAP50 that says it has learned', async () => {
    await goTo('Train');
    await planSampleRun(page, { epochs, name: 'transfer' });
    await screenshot(page, 'detection-3-plan');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('Finished').first().waitFor({ timeout: 280_000 });
    await screenshot(page, 'detection-4-curves');
    const projects = await callInPage(page, 'project.recent', {});
    const runs = await callInPage(page, 'run.list', { projectId: projects[0]!.projectId });
    expect(runs[0]!.latest['test/ap50']).toBeGreaterThan(reached);
  }, 300_000);

  it('shows boxes over the images', async () => {
    await page.getByRole('tab', { name: 'Predictions' }).click();
    await page
      .getByRole('listbox', { name: /^Images/ })
      .getByRole('option')
      .first()
      .waitFor();
    await page.waitForTimeout(800);
    await screenshot(page, 'detection-5-boxes');
    await page.getByRole('tab', { name: 'Measures' }).click();
    await page.waitForTimeout(2500);
    await screenshot(page, 'detection-6-measures');
  });

  it('exports the network and says how it compares with the app', async () => {
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Export…' }).click();
    const dialog = page.getByRole('dialog', { name: /^Export/ });
    await dialog.getByRole('switch', { name: 'With suppression (NMS)' }).click();
    const file = join(folder, 'transfer.onnx');
    await dialog.getByRole('textbox', { name: 'File' }).fill(file);
    await screenshot(page, 'detection-7-export');
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await dialog.getByText(/decisions are the app's own/).waitFor({ timeout: 120_000 });
    await screenshot(page, 'detection-8-exported');
    expect(existsSync(file)).toBe(true);
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await dialog.getByText('There is a file of this name already.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).first().click();
    expect(problems).toEqual([]);
  });

  it('writes the run as a folder that people know from other tools', async () => {
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Export…' }).click();
    const dialog = page.getByRole('dialog', { name: /^Export/ });
    await dialog.getByRole('radio', { name: 'Run folder' }).click();
    await dialog.getByRole('textbox', { name: 'Folder' }).fill(folder);
    await dialog.getByRole('button', { name: 'Export', exact: true }).click();
    await dialog.getByText(/^Written: .*detect.transfer$/).waitFor({ timeout: 120_000 });
    await screenshot(page, 'detection-9-folder');
    const written = readdirSync(join(folder, 'detect', 'transfer'));
    for (const name of ['results.png', 'PR_curve.png', 'labels.jpg', 'val_batch0_pred.jpg'])
      expect(written).toContain(name);
    await dialog.getByRole('button', { name: 'Close' }).first().click();
    expect(problems).toEqual([]);
  });

  it('teaches which pixels each object covers', async () => {
    await goTo('Train');
    await page.getByRole('radio', { name: 'Instance segmentation' }).click();
    await page.getByText('which pixels each covers').waitFor();
    await page.getByLabel('Input width').fill('160');
    await page.getByLabel('Input height').fill('128');
    await page.getByLabel('Epochs', { exact: true }).fill('1');
    await page.keyboard.press('Tab');
    await page.getByRole('textbox', { name: 'Name of the run' }).fill('masks');
    await screenshot(page, 'detection-10-masks-plan');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('Finished').first().waitFor({ timeout: 120_000 });
    await page.getByText('Mask mAP50-95').first().waitFor();
    await page.getByRole('tab', { name: 'Predictions' }).click();
    await page
      .getByRole('listbox', { name: /^Images/ })
      .getByRole('option')
      .first()
      .waitFor();
    await page.getByText(/\d+ objects?, \d+ missed/).waitFor();
    await screenshot(page, 'detection-11-masks');
    const drawn = await objectsOfFirstImage(page);
    expect(drawn.kind).toBe('masks');
    // A cell of the grid is eight pixels of the image on each side; drawn objects are larger.
    for (const { bytes } of drawn.objects) expect(decodeCellMask(Uint8Array.from(bytes)).cells).toContain(1);
    await page.getByRole('tab', { name: 'Measures' }).click();
    await page.getByRole('radio', { name: 'Masks' }).waitFor();
    await page.getByText('Precision over recall at mask IoU 0.5').waitFor();
    await page.getByRole('radio', { name: 'Boxes' }).click();
    await page.getByText('Precision over recall at IoU 0.5').waitFor();
    await screenshot(page, 'detection-12-masks-measures');
    expect(problems).toEqual([]);
  }, 180_000);

  it('teaches where the points of each object lie, from a folder that brings them', async () => {
    const posed = join(folder, 'posed');
    await writePosedSample(posed, { world: 'street', seed: 5, trainImages: 8, valImages: 2 });
    const [project] = await callInPage(page, 'project.recent', {});
    const { projectId } = project!;
    await callInPage(page, 'dataset.import', { projectId, path: posed, format: 'coco', name: 'Posed' });
    const names = async () => (await callInPage(page, 'dataset.list', { projectId })).map(({ name }) => name);
    await expect.poll(names, { timeout: 60_000 }).toContain('Posed');
    await goTo('Train');
    await page.getByLabel('Data set', { exact: true }).click();
    await page.getByRole('option', { name: 'Posed' }).click();
    await page.getByText('8 train').waitFor();
    await page.getByRole('radio', { name: 'Pose' }).click();
    await page.getByText('where the points of each lie').waitFor();
    await page.getByLabel('Input width').fill('96');
    await page.getByLabel('Input height').fill('64');
    await page.getByLabel('Epochs', { exact: true }).fill('1');
    await page.keyboard.press('Tab');
    await page.getByRole('textbox', { name: 'Name of the run' }).fill('points');
    await screenshot(page, 'detection-13-points-plan');
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await page.getByText('Finished').first().waitFor({ timeout: 120_000 });
    await page.getByText('Pose mAP50-95').first().waitFor();
    await page.getByRole('tab', { name: 'Predictions' }).click();
    await page.getByText(/\d+ objects?, \d+ missed/).waitFor();
    await screenshot(page, 'detection-14-points');
    const drawn = await objectsOfFirstImage(page);
    expect(drawn.kind).toBe('keypoints');
    expect(drawn.objects.length).toBeGreaterThan(0);
    for (const { bbox, bytes } of drawn.objects) {
      const [x1, y1, x2, y2] = bbox;
      const middle = (y1 + y2) / 2;
      const points = [...new Float32Array(Uint8Array.from(bytes).buffer)];
      [x1, middle, 2, x2, middle, 2].forEach((value, at) => expect(points[at]).toBeCloseTo(value, 2));
    }
    expect(problems).toEqual([]);
  }, 180_000);
});
