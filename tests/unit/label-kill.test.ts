/** Labelling that is killed at random moments loses at most the gesture on its way. A thousand kills: the bench `annotate-kills`. */
import { expect, test } from 'vitest';
import { killRounds } from '../helpers/kill-rounds.ts';
import { LabelProject } from '../helpers/label-project.ts';

test('eight kills', { timeout: 120_000 }, async () => {
  const project = await LabelProject.create(3);
  const { folder } = project.fixture.opened;
  await project.fixture.close();
  const seed = Number(process.env['FOVEA_SEED'] ?? 1);
  const report = await killRounds(folder, { rounds: 8, seed, longestMs: 250 });
  console.log(`seed ${seed}:`, JSON.stringify(report));
  expect(report).toMatchObject({ kills: 8, lost: 0 });
  expect(report.saved).toBeGreaterThan(8);
  expect(report.historyEntries).toBeGreaterThan(8);
});
