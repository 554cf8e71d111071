/**
 * A mask that is too large for a list of images, in the grid of the real Electron: its shape is drawn there, and after a
 * change the new one. Needs a build in out/.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compressRle, rleFromColumns, type Rle } from '../../src-main/contract/geometry/rle.ts';
import type { DatasetId, ProjectId } from '../../src-main/contract/model/ids.ts';
import { screenshot, type AppSession } from '../helpers/app-session.ts';
import { launchElectron } from '../helpers/electron.ts';
import { photo, writeFiles } from '../helpers/generated-images.ts';
import { importInPage } from '../helpers/import-in-page.ts';
import { callInPage } from '../helpers/page-calls.ts';

const size = { widthPx: 1600, heightPx: 1200 };

/** About the image's middle, with teeth a pixel wide at its ends. */
function ring(innerPx: number, outerPx: number): Rle {
  const halfAt = (radius: number, x: number): number =>
    Math.round(Math.sqrt(Math.max(0, radius ** 2 - (x - size.widthPx / 2) ** 2)));
  return rleFromColumns(size, (x) => {
    const [inner, outer] = [halfAt(innerPx, x), halfAt(outerPx, x)].map((half) => half - (half > 0 ? x % 2 : 0));
    const middle = size.heightPx / 2;
    const spans = [
      [middle - outer!, middle - inner!],
      [middle + inner!, middle + outer!],
    ] as const;
    return spans.filter(([first, end]) => end > first);
  });
}

async function writeDataset(folder: string): Promise<void> {
  const { widthPx: width, heightPx: height } = size;
  const counts = compressRle(ring(250, 500).counts);
  const annotation = { id: 1, image_id: 1, category_id: 1, iscrowd: 0, bbox: [300, 100, 1000, 1000], area: 1 };
  await writeFiles(folder, {
    'images/a.jpg': await photo(size),
    'annotations.json': JSON.stringify({
      images: [{ id: 1, file_name: 'a.jpg', width, height }],
      annotations: [{ ...annotation, segmentation: { size: [height, width], counts } }],
      categories: [{ id: 1, name: 'ring' }],
    }),
  });
}

interface Pixels {
  data: Buffer;
  widthPx: number;
}

describe('in Electron', () => {
  let session: AppSession;
  let page: Page;
  let ids: { projectId: ProjectId; datasetId: DatasetId };
  /** The grid without labels. */
  let bare: Pixels;

  async function seen(): Promise<Pixels> {
    const picture = await page.getByRole('listbox', { name: 'Images' }).screenshot();
    const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    return { data, widthPx: info.width };
  }

  /** Whether labels are drawn at places of the image, given in its pixels: the grid's first picture is 98 px wide. */
  async function labelled(...places: (readonly [x: number, y: number])[]): Promise<boolean[]> {
    const { data, widthPx } = await seen();
    const scale = 98 / size.widthPx;
    return places.map(([x, y]) => {
      const [column, row] = [Math.round(8 + x * scale), Math.round(8 + (98 - size.heightPx * scale) / 2 + y * scale)];
      const at = 3 * (row * widthPx + column);
      return !data.subarray(at, at + 3).equals(bare.data.subarray(at, at + 3));
    });
  }

  beforeAll(async () => {
    session = await launchElectron();
    page = session.page;
    const folder = mkdtempSync(join(tmpdir(), 'fovea-masks-'));
    await writeDataset(join(folder, 'rings'));
    ids = await importInPage(page, folder, { path: join(folder, 'rings'), format: 'coco' });
    await page.evaluate(`location.hash = '#/${ids.projectId}/data'`);
    await page.getByText('1 image', { exact: true }).first().waitFor();
    await page.keyboard.press('b');
    await page.waitForTimeout(1500); // the grid is a picture: nothing tells when it is drawn
    bare = await seen();
    await page.keyboard.press('b');
  }, 120_000);
  afterAll(() => session.close());

  const [middle, right, corner] = [
    [800, 600],
    [1175, 600],
    [350, 150],
  ] as const;

  it('the shape is drawn, with its hole and without the corners of its box', async () => {
    await expect.poll(() => labelled(middle, right, corner), { timeout: 20_000 }).toEqual([false, true, false]);
    await screenshot(page, 'large-masks-grid');
  });

  it('another shape takes its place when the label is changed', async () => {
    const { items } = await callInPage(page, 'image.list', {
      ...{ ...ids, filter: { splits: [], categoryIds: [] }, offset: 0, limit: 1 },
    });
    const { imageId, annotations } = items[0]!;
    expect(annotations[0]!.shape).toBeUndefined();
    const [{ annotationId }] = annotations as [(typeof annotations)[0]];
    const shape = { kind: 'mask', rle: ring(0, 300) };
    await callInPage(page, 'annotation.apply', {
      ...{ projectId: ids.projectId, gestureId: 'smaller', imageId, label: 'smaller', baseVersion: 0 },
      edits: [{ kind: 'update', annotationId, changes: { shape } }],
    });
    await expect.poll(() => labelled(middle, right, corner), { timeout: 20_000 }).toEqual([true, false, false]);
  });
});
