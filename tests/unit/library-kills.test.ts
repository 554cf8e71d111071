/** A kill in the middle of an import or an export leaves the library as it was; `npm run bench -- library` does it 50 times. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeCocoShape } from '../helpers/generated-coco.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { killOnce } from '../helpers/kill-library.ts';
import { importFolder } from '../helpers/import-folder.ts';
import { createProjectFixture } from '../helpers/service-fixture.ts';

const SEED = Number(process.env['FOVEA_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

test('killed imports and exports leave nothing', { timeout: 300_000 }, async () => {
  console.log(`kills: FOVEA_TEST_SEED=${SEED}`);
  const random = seededRandom(SEED);
  const fixture = await createProjectFixture();
  const source = join(fixture.scratch, 'coco');
  await writeCocoShape(source, { images: 600, boxes: 3000 });
  await importFolder(fixture, source, { copyFiles: true });
  const projectFolder = fixture.opened.folder;
  await fixture.close();
  const { userDataFolder } = fixture;
  for (let round = 0; round < 4; round++) {
    const kill = { what: round % 2 === 0 ? ('import' as const) : ('export' as const), afterMs: random() * 800 };
    const place = { projectFolder, userDataFolder, source, target: join(fixture.scratch, `out-${round}`) };
    expect(await killOnce(place, kill), `${kill.what} killed after ${kill.afterMs} ms`).toEqual([]);
  }
});
