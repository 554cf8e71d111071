/** Which image a label file means by a name, where folders hold images of the same name. */
import { expect, test } from 'vitest';
import { ImageIndex } from '../../src-main/formats/image-files.ts';

const paths = [
  'images/train/a.jpg',
  'images/val/a.jpg',
  'images/train/b.JPG',
  'val2017/c.png',
  'val2017/deep/c.jpg',
  'd.tar.png',
];
const index = new ImageIndex(paths.map((path) => ({ path, sizeBytes: 1 })));

test.each([
  // Paths as they are, with what leads nowhere worked out.
  ['images/train/a.jpg', '', 'images/train/a.jpg'],
  ['./images/labels/../val/a.jpg', 'train', 'images/val/a.jpg'],
  ['images\\val\\a.jpg', '', 'images/val/a.jpg'],
  // A path of somebody else's machine: its own folders and the hint decide between images of one name.
  ['/home/me/data/val/a.jpg', '', 'images/val/a.jpg'],
  ['C:\\data\\train\\a.jpg', '', 'images/train/a.jpg'],
  ['../images/val/a.jpg', '', 'images/val/a.jpg'],
  ['../../../etc/a.jpg', 'labels/val', 'images/val/a.jpg'],
  ['a.jpg', 'instances_val.json', 'images/val/a.jpg'],
  ['a.jpg', 'instances_train.json', 'images/train/a.jpg'],
  // Nothing decides: the first.
  ['a.jpg', '', 'images/train/a.jpg'],
  ['elsewhere/B.jpg', '', 'images/train/b.JPG'],
  ['a.png', '', null],
  ['', '', null],
])('the name %j with the hint %j means %j', (name, hint, path) => {
  expect(index.find(name, hint)?.path ?? null).toBe(path);
});

test.each([
  ['a', 'labels/val', 'images/val/a.jpg'],
  ['a', 'labels/train', 'images/train/a.jpg'],
  ['c', 'val2017/deep', 'val2017/deep/c.jpg'],
  ['d.tar', '', 'd.tar.png'],
  ['d', '', null],
  ['A', '', null],
])('the name %j without its ending, with the hint %j, means %j', (stem, hint, path) => {
  expect(index.findStem(stem, hint)?.path ?? null).toBe(path);
});

test('of paths that stand twice the later entry counts, and an index of nothing finds nothing', () => {
  const twice = new ImageIndex([
    { path: 'a.jpg', sizeBytes: 1 },
    { path: 'a.jpg', sizeBytes: 2 },
  ]);
  expect(twice.find('a.jpg', '')?.sizeBytes).toBe(2);
  const none = new ImageIndex([]);
  expect([none.find('a.jpg', 'a'), none.findStem('a', 'a')]).toEqual([null, null]);
});
