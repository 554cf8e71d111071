/**
 * The app itself, killed (SIGKILL) at random moments while somebody labels in its window with mouse and keys: Electron with
 * its page, its main process and the database. What the page heard to be saved comes here over the debugging port before
 * the kill; afterwards the database must have all of it, and histories that lead back to the beginning.
 */
import { once } from 'node:events';
import type { Page } from 'playwright-core';
import type { Events } from '../../src-main/contract/ipc.ts';
import type { Annotation, ReviewState } from '../../src-main/contract/model/annotation.ts';
import type { AnnotationId, ImageId } from '../../src-main/contract/model/ids.ts';
import { launchElectron } from './electron.ts';
import { seededRandom } from './generated-data.ts';
import { checkHistory, contentOf, readAll, withStore, type KillReport } from './kill-rounds.ts';

/** An image's labels as the page last heard of them. */
interface Heard {
  version: number;
  review: ReviewState;
  labels: Map<AnnotationId, Annotation>;
}

const prefix = 'saved ';
/** Runs in the page: says what was saved, a line each. */
const listening = `void window.fovea.on['annotation.changed']((payload) => console.log('${prefix}' + JSON.stringify(payload)))`;

interface Options {
  /** Of the Annotate screen of the project in `folder`. */
  hash: string;
  userDataFolder: string;
  rounds: number;
  seed: number;
  progress?: (text: string) => void;
}

/** Throws with the round's seed where anything is not as it must be. The project is closed, before and after. */
export async function killApp(
  folder: string,
  { hash, userDataFolder, rounds, seed, progress }: Options,
): Promise<KillReport> {
  const report: KillReport = { kills: 0, saved: 0, lost: 0, onItsWay: { there: 0, notThere: 0 }, historyEntries: 0 };
  const first = readAll(folder);
  for (let round = 0; round < rounds; round++) {
    const heard = readHeard(folder);
    report.saved += await labelAndKill(hash, userDataFolder, heard, seededRandom(seed + round));
    report.kills++;
    try {
      check(folder, heard, report);
    } catch (error) {
      throw new Error(`kill ${round} of seed ${seed}: ${String(error)}`, { cause: error });
    }
    progress?.(`${round + 1} kills, ${report.saved} gestures saved, ${report.lost} lost`);
  }
  checkHistory(folder, first, report);
  return report;
}

/** Keeps `heard` up to date; returns how many gestures were said to be saved. */
async function labelAndKill(
  hash: string,
  userDataFolder: string,
  heard: Map<ImageId, Heard>,
  random: () => number,
): Promise<number> {
  const { app, page } = await launchElectron({ userDataFolder });
  let gestures = 0;
  page.on('console', (message) => {
    if (!message.text().startsWith(prefix)) return;
    const { images } = JSON.parse(message.text().slice(prefix.length)) as Events['annotation.changed'];
    gestures++;
    for (const { imageId, version, review, changes } of images) {
      const labels = heard.get(imageId)?.labels ?? new Map<AnnotationId, Annotation>();
      for (const { annotationId, after } of changes) {
        if (after === null) labels.delete(annotationId);
        else labels.set(annotationId, after);
      }
      heard.set(imageId, { version, review, labels });
    }
  });
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  await page.getByRole('application').waitFor();
  await page.evaluate(listening);
  const child = app.process();
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), 500 + random() * 5000);
  // Until the window is gone.
  await labelForEver(page, random).catch(() => undefined);
  await exited;
  clearTimeout(timer);
  return gestures;
}

async function labelForEver(page: Page, random: () => number): Promise<never> {
  const box = await page.getByRole('application').boundingBox();
  if (box === null) throw new Error('The canvas is not in the page.');
  const below = (count: number): number => Math.floor(random() * count);
  const place = (): [number, number] => [box.x + 30 + below(box.width - 60), box.y + 30 + below(box.height - 60)];
  const drag = async (): Promise<void> => {
    await page.mouse.move(...place());
    await page.mouse.down();
    await page.mouse.move(...place(), { steps: 3 });
    await page.mouse.up();
  };
  const keys =
    (...list: string[]) =>
    async (): Promise<void> => {
      for (const key of list) await page.keyboard.press(key);
    };
  const drawn = (key: string) => async (): Promise<void> => {
    await page.keyboard.press(key);
    await drag();
  };
  const acts = [
    drawn('b'),
    drawn('b'),
    drawn('m'),
    drawn('l'),
    async () => {
      await page.keyboard.press('p');
      for (let corner = 0; corner < 4; corner++) await page.mouse.click(...place());
      await page.keyboard.press('Enter');
    },
    keys('v', 'n', 'ArrowRight', 'Shift+ArrowDown'),
    keys('v', 'n', 'Delete'),
    keys('v', 'n', 'Shift+O', 'Shift+M'),
    keys('1', 'Control+z'),
    keys('Control+z', 'Control+Shift+z'),
    keys('2'),
    keys('d'),
    keys('a'),
    keys('Control+Enter'),
  ];
  for (;;) {
    await acts[below(acts.length)]?.();
    await page.waitForTimeout(below(40));
  }
}

function readHeard(folder: string): Map<ImageId, Heard> {
  return withStore(folder, (store) => {
    const ids = store.database.prepare<[], ImageId>('SELECT id FROM image ORDER BY id').pluck().all();
    return new Map(
      ids.map((imageId): [ImageId, Heard] => {
        const { version, review } = store.labelEdits.image(imageId);
        const labels = new Map(store.annotations.ofImage(imageId).map((label) => [label.annotationId, label]));
        return [imageId, { version, review, labels }];
      }),
    );
  });
}

/** What was heard is there as it was heard; the database may have gone on by what was not heard any more. */
function check(folder: string, heard: ReadonlyMap<ImageId, Heard>, report: KillReport): void {
  readAll(folder); // Throws where the file is damaged.
  withStore(folder, ({ labelEdits, labelHistory, annotations }) => {
    for (const [imageId, { version, review, labels }] of heard) {
      const now = labelEdits.image(imageId);
      if (now.version > version) report.onItsWay.there++;
      const there = now.version > version ? labelHistory.stateAt(imageId, version) : annotations.ofImage(imageId);
      const isThere = now.version >= version && contentOf(there, review) === contentOf([...labels.values()], review);
      if (isThere && (now.version > version || now.review === review)) continue;
      report.lost++;
      throw new Error(`image ${imageId} is at version ${now.version}, and ${version} was saved with other labels`);
    }
  });
}
