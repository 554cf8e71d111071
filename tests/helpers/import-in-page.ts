/** Imports a data set in the real app, as its window does. */
import type { Page } from 'playwright-core';
import type { DatasetFormat } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ProjectId } from '../../src-main/contract/model/ids.ts';
import { callInPage } from './page-calls.ts';

/** The page is on its start screen again afterwards, as after a start. */
export async function importInPage(
  page: Page,
  parentFolder: string,
  data: { path: string; format: DatasetFormat },
): Promise<{ projectId: ProjectId; datasetId: DatasetId }> {
  const { projectId } = await callInPage(page, 'project.create', { name: 'Imported', parentFolder });
  const { jobId } = await callInPage(page, 'dataset.import', { projectId, ...data, name: 'Imported' });
  for (;;) {
    const job = (await callInPage(page, 'job.list', { projectId })).find((one) => one.jobId === jobId);
    if (job?.state === 'done') break;
    if (job === undefined || job.state !== 'running')
      throw new Error(job?.error?.message ?? 'The import was cancelled.');
    await page.waitForTimeout(200);
  }
  const [dataset] = await callInPage(page, 'dataset.list', { projectId });
  if (dataset === undefined) throw new Error('The import is not in the list of data sets.');
  await page.reload();
  await page.locator('body[data-ready="true"]').waitFor({ state: 'attached' });
  return { projectId, datasetId: dataset.datasetId };
}
