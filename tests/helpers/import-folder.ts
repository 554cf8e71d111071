/** A folder imported as a person does it: looked at first, then brought in under a name that is free. */
import { expect } from 'vitest';
import type { DatasetFormat, ImageSummary, ImportReport } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import type { ProjectFixture } from './service-fixture.ts';

export const everything = { splits: [], categoryIds: [] };

export interface Imported {
  report: ImportReport;
  datasetId: DatasetId;
  /** At most a hundred. */
  images: ImageSummary[];
}

export async function importFolder(
  { handlers, opened, ended }: ProjectFixture,
  path: string,
  options: { copyFiles?: boolean; format?: DatasetFormat; labelSource?: string } = {},
): Promise<Imported> {
  const { projectId } = opened.project;
  const { copyFiles, ...wanted } = options;
  const report = await handlers['dataset.inspect']({ path, ...wanted });
  const started = await handlers['dataset.import']({
    ...{ projectId, path, ...wanted, format: report.format!, name: `${report.suggestedName} ${Math.random()}` },
    ...(copyFiles === undefined ? {} : { copyFiles }),
  });
  const job = await ended(started);
  expect(job.error).toBeNull();
  const datasetId = job.datasetId!;
  const { items } = await handlers['image.list']({ projectId, datasetId, filter: everything, offset: 0, limit: 100 });
  return { report, datasetId, images: items };
}
