/**
 * Freezes the state of a data set and compares two states. A state is a list of its images, each with a hash of its
 * pixels and one of its labels; the hash of the whole does not depend on ids, dates or folders, only on what is there.
 * The list is kept as a file, one JSON line an image, deflated. Runs in the worker.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Annotation } from '../../contract/model/annotation.ts';
import { FoveaError } from '../../contract/errors.ts';
import type { Split } from '../../contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId } from '../../contract/model/ids.ts';
import type { VersionComparison } from '../../contract/model/library.ts';
import { fileError } from '../file-errors.ts';
import type { LibraryReader, TellProgress } from './library-reader.ts';

const READ_AT_ONCE = 100;
const LISTED = 300;
const compress = promisify(gzip);
const expand = promisify(gunzip);

export interface FreezeAsk {
  datasetId: DatasetId;
}
export interface FrozenState {
  hash: string;
  imageCount: number;
  labelCount: number;
  /** Relative to the project. */
  file: string;
}
export interface CompareAsk {
  datasetId: DatasetId;
  /** Files relative to the project; null for the state now. */
  first: string | null;
  second: string | null;
}

/** [id, name, split, hash of the pixels (empty where unknown), hash of the labels] */
type StateRow = [ImageId, string, Split, string, string];

/** Images without a fingerprint count with their name and size only. */
export async function freezeState(library: LibraryReader, ask: FreezeAsk, tell: TellProgress): Promise<FrozenState> {
  const { rows, labelCount, hash } = readState(library, ask.datasetId, tell);
  // Ids are the data set's own, so that two with the same content have a file each.
  const file = join('versions', `${ask.datasetId}-${hash.slice(0, 32)}.jsonl.gz`);
  const path = join(library.folder, file);
  const lines = await compress(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.part`, lines);
    await rename(`${path}.part`, path);
  } catch (error) {
    await rm(`${path}.part`, { force: true }).catch(() => undefined);
    throw fileError(error, 'write the version', path);
  }
  return { hash, imageCount: rows.length, labelCount, file };
}

function readState({ store }: LibraryReader, datasetId: DatasetId, tell: TellProgress) {
  const { categories } = store.datasets.get(datasetId);
  const names = new Map<CategoryId, string>(categories.map(({ categoryId, name }) => [categoryId, name]));
  const pixels = new Map(
    store.library.fingerprints(datasetId).map(({ imageId, contentHash }) => {
      return [imageId, Buffer.from(contentHash).toString('hex').slice(0, 32)];
    }),
  );
  const whole = store.images.idRange(datasetId);
  const ids = whole === null ? [] : store.images.idsInRange(datasetId, { splits: [], categoryIds: [] }, whole);
  const rows: StateRow[] = [];
  const parts: string[] = [];
  let labelCount = 0;
  for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
    const some = ids.slice(at, at + READ_AT_ONCE);
    const labels = store.annotations.ofImages(some);
    for (const { imageId, name, split, widthPx, heightPx, review } of store.images.summaries(some)) {
      const own = labels.get(imageId) ?? [];
      labelCount += own.length;
      const row: StateRow = [imageId, name, split, pixels.get(imageId) ?? '', labelsHash(own, review, names)];
      rows.push(row);
      parts.push(JSON.stringify([...row.slice(1), widthPx, heightPx]));
    }
    tell({ step: 'Reading labels', done: Math.min(at + READ_AT_ONCE, ids.length), total: ids.length });
  }
  const hash = createHash('sha256');
  hash.update(JSON.stringify(categories.map(({ name }) => name)));
  for (const part of parts.sort()) hash.update(part);
  return { rows, labelCount, hash: hash.digest('hex') };
}

/** What a label says, without ids, dates and who made it; the order of the labels does not count. */
function labelsHash(labels: readonly Annotation[], review: string, names: ReadonlyMap<CategoryId, string>): string {
  const said = labels.map(({ categoryId, shape, flags, attributes }) =>
    JSON.stringify([names.get(categoryId), shape, [...flags].sort(), Object.entries(attributes).sort()]),
  );
  // An image without labels says something else when it was seen by somebody.
  const state = labels.length === 0 && review === 'done' ? 'background' : '';
  return createHash('sha256').update(state).update(said.sort().join('\n')).digest('hex').slice(0, 32);
}

export async function compareStates(
  library: LibraryReader,
  { datasetId, first, second }: CompareAsk,
  tell: TellProgress,
): Promise<VersionComparison> {
  const read = async (file: string | null): Promise<StateRow[]> =>
    file === null ? readState(library, datasetId, tell).rows : readFrozen(join(library.folder, file));
  const before = new Map((await read(first)).map((row) => [row[0], row]));
  const after = new Map((await read(second)).map((row) => [row[0], row]));
  const found: VersionComparison = {
    ...{ added: [], removed: [], labels: [], splits: [], pixels: [] },
    counts: { added: 0, removed: 0, labels: 0, splits: 0, pixels: 0, same: 0 },
  };
  const note = <K extends 'added' | 'removed' | 'labels' | 'pixels'>(
    kind: K,
    [imageId, name, split]: StateRow,
  ): void => {
    found.counts[kind]++;
    if (found[kind].length < LISTED) found[kind].push({ imageId, name, split });
  };
  for (const row of before.values()) if (!after.has(row[0])) note('removed', row);
  for (const row of after.values()) {
    const old = before.get(row[0]);
    if (old === undefined) {
      note('added', row);
      continue;
    }
    const [isOther, isRelabelled, isMoved] = [
      old[3] !== row[3] && old[3] !== '' && row[3] !== '',
      old[4] !== row[4],
      old[2] !== row[2],
    ];
    if (isOther) note('pixels', row);
    if (isRelabelled) note('labels', row);
    if (isMoved) {
      found.counts.splits++;
      if (found.splits.length < LISTED)
        found.splits.push({ imageId: row[0], name: row[1], split: row[2], before: old[2] });
    }
    if (!isOther && !isRelabelled && !isMoved) found.counts.same++;
  }
  return found;
}

async function readFrozen(path: string): Promise<StateRow[]> {
  try {
    const text = (await expand(await readFile(path))).toString('utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as StateRow]));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FoveaError(
      'bad-input',
      `${path}: the frozen version cannot be read (${reason}).`,
      { file: path },
      { cause: error },
    );
  }
}
