/** Sketches of labels that are too large for a list: what they are, until when they are kept, and what an answer holds. */
import { expect, test, vi } from 'vitest';
import { sketchMask, sketchPolygon } from '../../src-main/contract/geometry/mask-sketch.ts';
import { rleFromColumns } from '../../src-main/contract/geometry/rle.ts';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import type { AnnotationId, ImageId } from '../../src-main/contract/model/ids.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { everything } from '../helpers/import-folder.ts';
import { adding, LabelProject } from '../helpers/label-project.ts';
import { bbox } from '../helpers/photo-dataset.ts';

const size = { widthPx: 640, heightPx: 480 };

/** Strips across the image from `left` on with ragged ends, one in `everyPx` rows. */
function strips(left: number, everyPx: number): Extract<Shape, { kind: 'mask' }> {
  const random = seededRandom(left + everyPx);
  const rows = Array.from({ length: Math.floor(size.heightPx / everyPx) }, (_, row) => row * everyPx);
  const rle = rleFromColumns(size, (x) =>
    x < left ? [] : rows.map((row) => [row, row + 1 + Math.floor((everyPx - 1) * random())] as const),
  );
  return { kind: 'mask', rle: { ...rle, counts: [...rle.counts] } };
}

/** Puts labels of these shapes on an image, in one change; answers with their ids. */
async function add(project: LabelProject, imageId: ImageId | undefined, shapes: readonly Shape[]) {
  const first = project.store.labelEdits.reserveIds(shapes.length);
  const ids = shapes.map((_, at) => (first + at) as AnnotationId);
  await project.edit(
    imageId!,
    shapes.map((shape, at) => adding(ids[at]!, project.photos.categoryIds[0], shape)),
  );
  return ids;
}

function sketchesOf({ fixture, projectId }: LabelProject) {
  return async (...annotationIds: AnnotationId[]) => {
    const sketches = await fixture.handlers['label.sketches']({ projectId, annotationIds });
    return sketches.toSorted((a, b) => a.annotationId - b.annotationId);
  };
}

test('a large mask comes as its sketch, with the version that its image has in the list; others have none', async () => {
  const project = await LabelProject.create();
  const { fixture, photos, projectId } = project;
  const [imageId] = photos.imageIds;
  const random = seededRandom(1);
  const ring = Array.from({ length: 900 }, (_, at) => 200 + 90 * random() * (at % 2 === 0 ? 1 : 1.5));
  const polygon = { kind: 'polygon' as const, parts: [{ outer: ring, holes: [] }] };
  const mask = strips(100, 60);
  const shapes: Shape[] = [mask, polygon, bbox(1, 2, 3, 4), { kind: 'classification' }];
  const ids = await add(project, imageId, shapes);
  const { items } = await fixture.handlers['image.list']({
    ...{ projectId, datasetId: photos.datasetId, filter: everything, offset: 0, limit: 1 },
  });
  expect(items[0]).toMatchObject({ labelVersion: 1 });
  const [, listed] = items[0]!.annotations;
  expect([listed!.kind, listed!.bboxXyxy, listed!.shape]).toEqual(['mask', [100, 0, 640, 479], undefined]);
  expect(await sketchesOf(project)(...ids, 999 as AnnotationId)).toEqual([
    { annotationId: ids[0], version: 1, sketch: sketchMask(mask.rle) },
    { annotationId: ids[1], version: 1, sketch: sketchPolygon(polygon.parts) },
    { annotationId: ids[2], version: 1, sketch: null },
    { annotationId: ids[3], version: 1, sketch: null },
  ]);
});

test('what was made is kept until the image’s labels change, and no longer', async () => {
  const project = await LabelProject.create();
  const run = vi.spyOn(project.fixture.workers, 'run');
  const [first, second] = project.photos.imageIds;
  const [before, after] = [strips(100, 60), strips(300, 40)];
  const ids = [...(await add(project, first, [before])), ...(await add(project, second, [before]))];
  const changed = ids[0]!;
  const sketches = sketchesOf(project);
  const made = { version: 1, sketch: sketchMask(before.rle) };
  const both = ids.map((annotationId) => ({ annotationId, ...made }));
  expect(await sketches(...ids)).toEqual(both);
  expect(await sketches(...ids)).toEqual(both);
  expect(run).toHaveBeenCalledTimes(1);

  await project.edit(first!, [{ kind: 'update', annotationId: changed, changes: { shape: after } }]);
  expect(await sketches(...ids)).toEqual([
    { annotationId: changed, version: 2, sketch: sketchMask(after.rle) },
    both[1],
  ]);
  await project.undo();
  expect(await sketches(changed)).toEqual([{ annotationId: changed, version: 3, sketch: sketchMask(before.rle) }]);
  expect(run).toHaveBeenCalledTimes(3);
});

test('an answer leaves out what would take long, and has more of it each time it is asked', async () => {
  const project = await LabelProject.create();
  const [imageId] = project.photos.imageIds;
  const heavy = strips(0, 2);
  const ids = await add(project, imageId, new Array<Shape>(100).fill(heavy));
  const sketches = sketchesOf(project);
  let count = (await sketches(...ids)).length;
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(100);
  for (let round = 0; count < 100; round++) {
    const next = (await sketches(...ids)).length;
    expect(next, `round ${round}`).toBeGreaterThan(count);
    count = next;
  }
});
