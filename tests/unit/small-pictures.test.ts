import { expect, test } from 'vitest';
import { joinPictures, splitPictures } from '../../src-main/contract/model/small-pictures.ts';

test('pictures that are joined come apart again', () => {
  const pictures = [Uint8Array.of(1, 2, 3), null, new Uint8Array(70_000).fill(9), Uint8Array.of(5)];
  expect(splitPictures(joinPictures(pictures).slice().buffer)).toEqual(pictures);
  expect(splitPictures(new ArrayBuffer(0))).toEqual([]);
});

test('what is no joined pictures is refused', () => {
  expect(() => splitPictures(Uint8Array.of(9, 0, 0, 0, 1).buffer)).toThrow(RangeError);
});
