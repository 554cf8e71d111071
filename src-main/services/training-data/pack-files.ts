/** Image files of no data set as the input of a network: in their order, and which of them cannot be read. */
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { toErrorData } from '../../contract/errors.ts';
import type { DatasetId } from '../../contract/model/ids.ts';
import { probeImage } from '../import/files/probe-image.ts';
import type { InputFit } from '../../contract/model/run-images.ts';
import type { SizePx } from '../../engine/data/letterbox.ts';
import { decodeImage } from './decode-image.ts';
import type { PackedFiles } from './messages.ts';

/** No data set: the files are where they are. */
const outside = 0 as DatasetId;

/** files: absolute paths. Writes uint8 [3, H, W] of each that can be read into `target`; at its own size without a `network`. */
export async function packFiles(
  files: readonly string[],
  target: string,
  { network, fit }: { network: SizePx | null; fit: InputFit },
  onFile: () => void,
): Promise<PackedFiles> {
  const packed: PackedFiles = { images: [], failures: [] };
  const handle = await open(target, 'w');
  let offset = 0;
  try {
    for (const file of files) {
      try {
        const { widthPx, heightPx, ...facts } = await probeImage(file);
        const source = {
          kind: 'file',
          file: { datasetId: outside, root: dirname(file), path: basename(file), ...facts },
        } as const;
        const size = { widthPx, heightPx };
        const planes = await decodeImage(dirname(file), source, size, { network: network ?? size, fit });
        await handle.write(planes, 0, planes.length, offset);
        offset += planes.length;
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
