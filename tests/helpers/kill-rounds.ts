/**
 * Labelling that is killed (SIGKILL) at random moments, again and again on one project, and what is there afterwards: every
 * gesture that was said to be saved, at most the one that was on its way, and a history that leads back to the beginning.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Annotation, ReviewState } from '../../src-main/contract/model/annotation.ts';
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import { openProjectStore, type ProjectStore } from '../../src-main/store/project-store.ts';
import type { Label } from '../../src-renderer/canvas/editor/types.ts';
import { seededRandom } from './generated-data.ts';

export type LabellerLine =
  | { kind: 'ready' }
  | { kind: 'sent'; imageId: ImageId; gestureId: string; content: string }
  | { kind: 'saved'; imageId: ImageId; gestureId: string };

export interface KillReport {
  kills: number;
  /** Gestures that were said to be saved, over all rounds. */
  saved: number;
  /** Of these, missing afterwards. */
  lost: number;
  /** Rounds in which a gesture had been sent and not answered: was it there afterwards, or not? */
  onItsWay: { there: number; notThere: number };
  /** Entries of the history that were walked back and compared. */
  historyEntries: number;
}

const labeller = fileURLToPath(new URL('./doomed-labeller.ts', import.meta.url));
const databaseOf = (folder: string): string => `${folder}/project.sqlite`;

/** All that a person sees of an image's labels; times are the service's. */
export function contentOf(labels: readonly (Label | Annotation)[], review: ReviewState): string {
  const content = [...labels]
    .sort((a, b) => a.annotationId - b.annotationId)
    .map(({ annotationId, categoryId, shape, flags, attributes, note, z }) =>
      JSON.stringify([annotationId, categoryId, shape, flags, attributes, note, z]),
    );
  return JSON.stringify([review, ...content]);
}

/** Throws with the round's seed where anything is not as it must be. The project is closed, before and after. */
export async function killRounds(
  folder: string,
  {
    rounds,
    seed,
    longestMs = 400,
    progress,
  }: { rounds: number; seed: number; longestMs?: number; progress?: (text: string) => void },
): Promise<KillReport> {
  const random = seededRandom(seed);
  const report: KillReport = { kills: 0, saved: 0, lost: 0, onItsWay: { there: 0, notThere: 0 }, historyEntries: 0 };
  const expected = readAll(folder);
  const first = new Map(expected);
  for (let round = 0; round < rounds; round++) {
    const lines = await labelAndKill(folder, seed + round, random() * longestMs);
    report.kills++;
    try {
      checkRound(folder, lines, expected, report);
    } catch (error) {
      throw new Error(`kill ${round} of seed ${seed}: ${String(error)}`, { cause: error });
    }
    if (round % 50 === 49) progress?.(`${round + 1} kills, ${report.saved} gestures saved, ${report.lost} lost`);
  }
  checkHistory(folder, first, report);
  return report;
}

async function labelAndKill(folder: string, seed: number, afterMs: number): Promise<LabellerLine[]> {
  const child = spawn(process.execPath, [labeller, folder, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, errors] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const closed = once(child, 'close');
  // From the first gesture on for most rounds; every tenth dies while it starts.
  if (seed % 10 !== 9) {
    await new Promise<void>((resolve) => {
      child.stdout.once('data', () => resolve());
      child.once('close', () => resolve());
    });
  }
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await closed;
  if (child.signalCode !== 'SIGKILL') throw new Error(`The labeller ended by itself (seed ${seed}): ${errors}`);
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  return complete
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LabellerLine);
}

function checkRound(
  folder: string,
  lines: readonly LabellerLine[],
  expected: Map<ImageId, string>,
  report: KillReport,
): void {
  let pending: Extract<LabellerLine, { kind: 'sent' }> | null = null;
  const contents = new Map<string, string>();
  for (const line of lines) {
    if (line.kind === 'sent') {
      pending = line;
      contents.set(line.gestureId, line.content);
    } else if (line.kind === 'saved') {
      pending = null;
      report.saved++;
      expected.set(line.imageId, contents.get(line.gestureId) ?? '');
    }
  }
  const there = readAll(folder);
  for (const [imageId, content] of expected) {
    const found = there.get(imageId);
    if (pending?.imageId === imageId) {
      if (found === pending.content && found !== content) report.onItsWay.there++;
      else if (found === content) report.onItsWay.notThere++;
      else throw lost(report, imageId, content, found);
      expected.set(imageId, found ?? '');
    } else if (found !== content) {
      throw lost(report, imageId, content, found);
    }
  }
}

function lost(report: KillReport, imageId: ImageId, expected: string, found: string | undefined): Error {
  report.lost++;
  const short = (text = ''): string =>
    text.length > 300 ? `${text.slice(0, 300)} … (${text.length} characters)` : text;
  return new Error(`image ${imageId} should be ${short(expected)}, and is ${short(found)}`);
}

export function readAll(folder: string): Map<ImageId, string> {
  return withStore(folder, (store) => {
    if (store.database.pragma('integrity_check', { simple: true }) !== 'ok') throw new Error('the database is damaged');
    if ((store.database.pragma('foreign_key_check') as unknown[]).length > 0)
      throw new Error('a row refers to nothing');
    const ids = store.database.prepare<[], ImageId>('SELECT id FROM image ORDER BY id').pluck().all();
    return new Map(
      ids.map((imageId) => [
        imageId,
        contentOf(store.annotations.ofImage(imageId), store.labelEdits.image(imageId).review),
      ]),
    );
  });
}

/** Back through every version to the labels of the beginning; and undo after undo leads there as well. */
export function checkHistory(folder: string, first: ReadonlyMap<ImageId, string>, report: KillReport): void {
  withStore(folder, ({ labelEdits, bulkEdits, labelHistory, annotations }) => {
    for (const [imageId, content] of first) {
      const { version } = labelEdits.image(imageId);
      const { total, items } = labelHistory.entries(imageId, 0, version + 1);
      const isWhole = total === version && items.every((entry, at) => entry.version === version - at);
      if (!isWhole) throw new Error(`image ${imageId} is at version ${version} and its history has ${total} entries`);
      report.historyEntries += total;
      const [, ...labels] = JSON.parse(content) as string[];
      const [, ...back] = JSON.parse(contentOf(labelHistory.stateAt(imageId, 0), 'to-do')) as string[];
      if (JSON.stringify(labels) !== JSON.stringify(back))
        throw new Error(`the history of image ${imageId} leads to ${back.join()}`);
    }
    const at = new Date().toISOString();
    for (let step = 0; ; step++) {
      const result = bulkEdits.beginTravel('undo', { token: `back ${step}`, by: 'test', at }, null, Infinity);
      if (result === null || result === 'stale') break;
    }
    for (const [imageId, content] of first) {
      const found = contentOf(annotations.ofImage(imageId), labelEdits.image(imageId).review);
      if (found !== content) throw new Error(`undo leads image ${imageId} to ${found} instead of ${content}`);
    }
  });
}

export function withStore<T>(folder: string, use: (store: ProjectStore) => T): T {
  const store = openProjectStore(databaseOf(folder));
  try {
    return use(store);
  } finally {
    store.close();
  }
}
