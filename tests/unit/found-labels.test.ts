/** Labels of a large label file, kept as numbers, come out as they went in. */
import { expect, test } from 'vitest';
import { FoundLabels, type FoundLabel } from '../../src-main/services/import/files/found-labels.ts';
import { seededRandom } from '../helpers/generated-data.ts';

test('in their order, image by image, whatever they hold', () => {
  const random = seededRandom(5);
  const found = new FoundLabels();
  const expected = new Map<number, FoundLabel[]>();
  for (let line = 1; line <= 5000; line++) {
    const imageId = Math.floor(random() * 400) * 7;
    const plain: FoundLabel = {
      categoryId: Math.floor(random() * 9e15),
      shape: { kind: 'bbox', bboxXyxy: [random(), random() * 9, random() * 99, -0] },
      ...{ flags: [], attributes: {}, line },
    };
    const labels: FoundLabel[] = [
      plain,
      { ...plain, flags: ['crowd'] },
      { ...plain, attributes: { occluded: true } },
      { ...plain, shape: { kind: 'polygon', parts: [{ outer: [0, 0, random(), 0, 1, 1], holes: [] }] } },
    ];
    const label = labels[Math.floor(random() * 8)] ?? plain;
    found.add(imageId, label);
    expected.set(imageId, [...(expected.get(imageId) ?? []), label]);
  }
  expect([...found.imageIds()]).toEqual([...expected.keys()]);
  for (const [imageId, labels] of expected) expect(found.of(imageId)).toEqual(labels);
  expect(found.of(3)).toEqual([]);
});
