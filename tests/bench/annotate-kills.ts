/** Nothing that was saved is ever lost: labelling that is killed (SIGKILL) at random moments, a thousand times. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { createProjectStore } from '../../src-main/store/project-store.ts';
import { killRounds } from '../helpers/kill-rounds.ts';
import { addPhotos } from '../helpers/photo-dataset.ts';
import type { BenchContext, BenchOutcome } from './bench.ts';

export async function runAnnotateKills({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-kills-'));
  try {
    const projectId = '4b1e7f6c-0d1a-4c39-9e2b-6f1f0a5d7c12' as ProjectId;
    const createdAt = new Date().toISOString();
    const store = createProjectStore(join(folder, 'project.sqlite'), { projectId, name: 'Kills', createdAt });
    addPhotos(store, 5);
    store.close();
    const seed = Math.floor(Math.random() * 1_000_000);
    progress(`seed ${seed}`);
    const { kills, saved, lost, onItsWay, historyEntries } = await killRounds(folder, {
      ...{ rounds: quick ? 60 : 1000, seed, progress },
    });
    return {
      figures: [
        { name: 'kills', value: kills, explanation: 'processes killed at random moments while they labelled' },
        { name: 'savedGestures', value: saved, explanation: 'gestures that were said to be saved' },
        { name: 'lostGestures', value: lost, explanation: 'of these, missing after a restart' },
        {
          name: 'keptOnTheWay',
          value: onItsWay.there,
          explanation: 'gestures that were killed on their way and are there',
        },
        {
          name: 'goneOnTheWay',
          value: onItsWay.notThere,
          explanation: 'gestures that were killed on their way and are not',
        },
        {
          name: 'historyEntries',
          value: historyEntries,
          explanation: 'entries of the history, walked back to the start',
        },
      ],
      bars: [{ figure: 'lostGestures', bar: 0, direction: 'at-most' }],
      notes: [`Seed ${seed}. The process that is killed has the services and the editor, but no window.`],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
