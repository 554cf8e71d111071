/** Image files of no data set as the input of a network: one pack, in their order, and which of them cannot be read. */
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { toErrorData } from '../../contract/errors.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import { probeImage } from '../import/files/probe-image.ts';
import { decodeImage, type InputGeometry } from './decode-image.ts';
import type { PackedFiles } from './messages.ts';

/** No data set: the files are where they are. */
const outside = 0 as DatasetId;

/** files: absolute paths. Writes uint8 [read files, 3, H, W] into `target`. */
export async function packFiles(
  files: readonly string[],
  target: string,
  geometry: InputGeometry,
  onFile: () => void,
): Promise<PackedFiles> {
  const packed: PackedFiles = { images: [], failures: [] };
  const handle = await open(target, 'w');
  try {
    for (const file of files) {
      try {
        const { widthPx, heightPx, ...facts } = await probeImage(file);
        const source = {
          kind: 'file',
          file: { datasetId: outside, root: dirname(file), path: basename(file), ...facts },
        } as const;
        const planes = await decodeImage(dirname(file), source, { widthPx, heightPx }, geometry);
        await handle.write(planes, 0, planes.length, packed.images.length * planes.length);
        packed.images.push({ file, widthPx, heightPx });
      } catch (error) {
        packed.failures.push({ file, reason: toErrorData(error).message });
      }
      onFile();
    }
  } finally {
    await handle.close();
  }
  return packed;
}
