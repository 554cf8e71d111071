/** Puts image files with their labels into a data set as an import does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CategoryId, DatasetId } from '../../src-main/contract/model/ids.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { StagedImagesWriter, type NewFileImage } from '../../src-main/store/staged-images.ts';

export function insertImages(
  store: ProjectStore,
  datasetId: DatasetId,
  images: readonly NewFileImage[],
  categoryIds: readonly CategoryId[],
): void {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-staged-'));
  try {
    const writer = new StagedImagesWriter(join(folder, 'staged.db'));
    for (const image of images) writer.add(image);
    for (const _stored of store.stagedImages.copy(writer.finish(), datasetId, categoryIds));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
