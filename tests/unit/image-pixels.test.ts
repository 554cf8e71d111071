/** What the codec says of a picture that cannot be read, put into words. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { explainPicture } from '../../src-main/services/image-pixels.ts';
import type { PixelSource } from '../../src-main/store/image-repository.ts';
import { removeFolder } from '../helpers/remove-folder.ts';

async function folderWithPicture(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-test-'));
  onTestFinished(() => removeFolder(folder));
  await writeFile(join(folder, 'here.jpg'), 'no picture');
  return folder;
}

const picture = (path: string): PixelSource => ({
  kind: 'file',
  file: {
    datasetId: 1 as DatasetId,
    root: 'photos',
    path,
    mediaType: 'image/jpeg',
    orientation: 1,
    sizeBytes: 10,
    modifiedMs: 0,
  },
});

test('a file is gone where the system says so, whatever the codec says', async () => {
  const folder = await folderWithPicture();
  // What the codec has said of a file that was gone, when another one failed at the same moment.
  const error = new Error('Input file contains unsupported image format');
  expect(await explainPicture(error, folder, picture('gone.jpg'))).toMatchObject({
    code: 'not-found',
    message: expect.stringContaining(`${join(folder, 'photos/gone.jpg')} is not there any more.`),
  });
});

test('a file that is there is damaged, and lines about another one are not told', async () => {
  const folder = await folderWithPicture();
  const error = new Error(
    'Input file has corrupt header: VipsJpeg: premature end of JPEG image\nVipsJpeg: premature end of JPEG image\n' +
      'VipsJpeg: premature end of JPEG image\nVipsForeignLoad: file "/photos/missing.png" does not exist',
  );
  expect(await explainPicture(error, folder, picture('../here.jpg'))).toMatchObject({
    code: 'bad-input',
    message:
      `${join(folder, 'here.jpg')} cannot be read as an image (Input file has corrupt header: ` +
      'VipsJpeg: premature end of JPEG image; VipsJpeg: premature end of JPEG image).',
  });
});
