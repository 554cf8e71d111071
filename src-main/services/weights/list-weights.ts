/** Looks into a weights file, in a worker process: its tensors and its hash, no values. */
import { stat } from 'node:fs/promises';
import type { WeightsListing } from '../../contract/model/weights.ts';
import { hashFile } from '../../engine/weights/file-hash.ts';
import { openWeights } from '../../engine/weights/open-weights.ts';

/** Throws FoveaError: see `openWeights`. */
export async function listWeights(path: string): Promise<WeightsListing> {
  const source = await openWeights(path);
  try {
    const { format, tensors, others, metadata } = source;
    const { size } = await stat(path);
    return {
      path,
      format,
      sizeBytes: size,
      sha256: await hashFile(path, 'sha256'),
      tensors: tensors.map(({ name, shape, dtype }) => ({ name, shape: [...shape], dtype })),
      others,
      metadata,
    };
  } finally {
    await source.close();
  }
}
