/** What the commands about a library do: images by query, splits, leaks, health, versions, trash. */
import { FoveaError } from '../../contract/errors.ts';
import { runOrders, type ImageOrder } from '../../contract/model/dataset.ts';
import type { ProjectId } from '../../contract/model/ids.ts';
import { trashKeyOf, type DeletedLabelsItem, type TrashItem } from '../../contract/model/library.ts';
import { isLeak, type SplitPlan } from '../../contract/model/splits.ts';
import { jobEnd, print, project, type ProjectOptions, type Session } from './session.ts';
import { exitCodes, type ExitCode } from './io.ts';
import { findDataset, findRun } from './selection.ts';

const everything = { splits: [], categoryIds: [] };
const PAGE = 1000;
export const splitKinds = ['stratified', 'random', 'folders', 'sorted'] as const;

async function chosen(session: Session, wanted: string, options: ProjectOptions) {
  const opened = await project(session, options);
  const { datasetId } = await findDataset(session.client, opened, wanted);
  return { projectId: opened.projectId, datasetId };
}

type ImageOptions = ProjectOptions & { query?: string; sort: ImageOrder['by']; reverse?: boolean; run?: string };

async function orderOf(session: Session, { sort, reverse, run, ...options }: ImageOptions): Promise<ImageOrder> {
  const order = { by: sort, descending: reverse === true };
  if (!(runOrders as readonly string[]).includes(sort)) return order;
  if (run === undefined) throw new FoveaError('invalid-request', `--sort ${sort} needs --run: whose ${sort}?`);
  const { runId } = await findRun(session.client, await project(session, options), run);
  return { ...order, runId };
}

export async function listImages(session: Session, wanted: string, options: ImageOptions): Promise<ExitCode> {
  const request = {
    ...(await chosen(session, wanted, options)),
    filter: { ...everything, ...(options.query === undefined ? {} : { query: options.query }) },
    order: await orderOf(session, options),
  };
  const images: { imageId: number; name: string; split: string; labels: number }[] = [];
  for (let total = 1; images.length < total;) {
    const page = await session.client.call('image.list', { ...request, offset: images.length, limit: PAGE });
    total = page.total;
    if (page.items.length === 0) break;
    for (const { imageId, name, split, annotations } of page.items) {
      images.push({ imageId, name, split, labels: annotations.length });
    }
  }
  return print(session, options, images, (list) => list.map(({ name }) => `${name}\n`).join(''));
}

type SplitOptions = ProjectOptions & {
  how: (typeof splitKinds)[number];
  train: number;
  val: number;
  seed: number;
  undo?: boolean;
};

export async function splitDataset(session: Session, wanted: string, options: SplitOptions): Promise<ExitCode> {
  const { client } = session;
  const of = await chosen(session, wanted, options);
  if (options.undo === true) {
    const [latest] = await client.call('split.changes', of);
    if (latest === undefined) throw new FoveaError('not-found', 'No change of splits can be taken back.');
    await client.call('split.undo', { projectId: of.projectId, changeId: latest.changeId });
    return print(session, options, latest, ({ title, moved }) => `Taken back: ${title}, ${moved} images.\n`);
  }
  const { how: kind, train, val, seed } = options;
  if (train + val > 100) throw new FoveaError('invalid-request', 'The shares add up to more than 100 %.');
  const shares = { train: train / 100, val: val / 100, test: (100 - train - val) / 100 };
  const plan: SplitPlan = kind === 'sorted' ? { kind, shares } : { kind, seed, shares };
  const { counts } = await client.call('split.preview', { ...of, filter: everything, plan });
  const change = await client.call('split.assign', { ...of, filter: everything, plan });
  return print(session, options, { change, counts }, () => {
    return `${counts.train} train, ${counts.val} validation, ${counts.test} test; ${change?.moved ?? 0} images moved.\n`;
  });
}

export async function findLeaks(session: Session, wanted: string, options: ProjectOptions): Promise<ExitCode> {
  const { client } = session;
  const of = await chosen(session, wanted, options);
  const { exitCode } = await jobEnd(session, await client.call('dataset.fingerprint', of), 'Cancelled.');
  if (exitCode !== exitCodes.ok) return exitCode;
  const report = await client.call('dataset.duplicates', of);
  return print(session, options, report, ({ groups, leakedImages }) =>
    [
      `${leakedImages} images have a double in another split.`,
      ...groups.filter(isLeak).map(({ kind, images }) => {
        return `${kind}: ${images.map(({ name, split }) => `${name} (${split})`).join(', ')}`;
      }),
      '',
    ].join('\n'),
  );
}

export async function showHealth(session: Session, wanted: string, options: ProjectOptions): Promise<ExitCode> {
  const health = await session.client.call('dataset.health', await chosen(session, wanted, options));
  return print(session, options, health, ({ imageCount, labelCount, classes, findings }) =>
    [
      `${imageCount} images, ${labelCount} labels`,
      ...classes.map(({ name, labels, images }) => `${name}: ${labels} labels on ${images} images`),
      ...findings.map(({ message, count, query }) => `${message}: ${count}${query === '' ? '' : ` (${query})`}`),
      '',
    ].join('\n'),
  );
}

export async function freeze(session: Session, wanted: string, options: ProjectOptions): Promise<ExitCode> {
  const { client } = session;
  const of = await chosen(session, wanted, options);
  const { exitCode } = await jobEnd(session, await client.call('version.freeze', of), 'Cancelled.');
  if (exitCode !== exitCodes.ok) return exitCode;
  const [version] = await client.call('version.list', of);
  return print(session, options, version ?? null, (made) => `${made?.hash ?? ''}\n`);
}

export async function listTrash(session: Session, options: ProjectOptions): Promise<ExitCode> {
  const { projectId } = await project(session, options);
  const items = await inTrash(session, projectId);
  return print(session, options, items, (list) =>
    list.length === 0
      ? 'The trash is empty.\n'
      : list.map((item, index) => `${index + 1}  ${itemText(item)}\n`).join(''),
  );
}

/** Things first, then labels, as they are numbered. */
async function inTrash({ client }: Session, projectId: ProjectId): Promise<(TrashItem | DeletedLabelsItem)[]> {
  const items: (TrashItem | DeletedLabelsItem)[] = await client.call('trash.list', { projectId });
  const labels = await client.call('trash.labels', { projectId, offset: 0, limit: 1000 });
  return [...items, ...labels.items];
}

function itemText(item: TrashItem | DeletedLabelsItem): string {
  const { title, trashedAt } = item;
  switch (item.kind) {
    case 'dataset':
      return `data set ${title}, ${item.imageCount} images, ${trashedAt}`;
    case 'images':
      return `images of ${title}, ${item.imageCount} images, ${trashedAt}`;
    case 'run':
      return `run ${title}, ${item.epochsDone} epochs, ${trashedAt}`;
    case 'sweep':
      return `sweep ${title}, ${item.runCount} runs, ${trashedAt}`;
    case 'labels':
    case 'image-labels': {
      const of = item.deletedClasses.length > 0 ? `class ${item.deletedClasses.join(', ')} of ${title}` : title;
      return `labels of ${of}, ${item.labelCount} labels on ${item.imageCount} images, ${trashedAt}`;
    }
  }
}

/** `number`: as `trash list` counts. */
export async function restoreTrash(session: Session, number: string, options: ProjectOptions): Promise<ExitCode> {
  const { projectId } = await project(session, options);
  const items = await inTrash(session, projectId);
  const item = items[Number(number) - 1];
  if (item === undefined) throw new FoveaError('not-found', `The trash has no entry ${number}; see: fovea trash list.`);
  const { left } = await session.client.call('trash.restore', { projectId, item: trashKeyOf(item) });
  const rest = left === null ? '' : `${left}\n`;
  return print(session, options, item, (back) => `Brought back: ${itemText(back)}\n${rest}`);
}

export async function emptyTrash(session: Session, options: ProjectOptions): Promise<ExitCode> {
  const { projectId } = await project(session, options);
  await session.client.call('trash.empty', { projectId, item: null });
  return print(session, options, {}, () => 'The trash is empty.\n');
}
