/** Imports and exports that are killed at random moments, and what is there afterwards. */
import { join } from 'node:path';
import { writeCocoShape } from '../../helpers/generated-coco.ts';
import { seededRandom } from '../../helpers/generated-data.ts';
import { killOnce } from '../../helpers/kill-library.ts';
import { createServices } from '../../helpers/service-fixture.ts';
import type { BenchOutcome } from '../bench.ts';
import { subfolder, timedJob, type PartContext } from './part.ts';

/** Longer than either takes, so that some are through. */
const LATEST_MS = 1500;

export async function measureKills(context: PartContext): Promise<BenchOutcome> {
  const { quick, progress } = context;
  const rounds = quick ? 10 : 100; // one half imports, the other exports
  const folder = await subfolder(context, 'kills');
  const source = join(folder, 'source');
  await writeCocoShape(source, { images: 1500, boxes: 9000 });
  const userDataFolder = join(folder, 'settings');
  const services = createServices({ userDataFolder });
  const project = await services.handlers['project.create']({ name: 'Kills', parentFolder: folder });
  const { projectId, path: projectFolder } = project;
  await timedJob(services, () =>
    services.handlers['dataset.import']({ projectId, path: source, format: 'coco', name: 'First', copyFiles: true }),
  );
  await services.close();
  const random = seededRandom(7);
  const notes: string[] = [];
  let failed = 0;
  for (let round = 0; round < rounds; round++) {
    progress(`kill ${round + 1} of ${rounds}`);
    const kill = {
      what: round % 2 === 0 ? ('import' as const) : ('export' as const),
      afterMs: random() * LATEST_MS,
    };
    const target = join(folder, `killed-${round}`);
    const problems = await killOnce({ projectFolder, userDataFolder, source, target }, kill);
    if (problems.length > 0) failed++;
    notes.push(...problems.map((problem) => `${kill.what} killed after ${Math.round(kill.afterMs)} ms: ${problem}`));
  }
  return {
    figures: [
      {
        name: 'killsThatLeftSomething',
        value: failed,
        explanation: `of ${rounds} kills in the middle of imports and exports`,
      },
    ],
    bars: [{ figure: 'killsThatLeftSomething', bar: 0, direction: 'at-most' }],
    notes,
  };
}
