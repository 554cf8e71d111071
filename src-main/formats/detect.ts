/** Recognises the format of a folder or an archive by the names in it. A new format is one line in `detectDataset`. */
import type { DatasetFormat } from '../contract/model/dataset.ts';
import { cifar10, cifar100, findCifar, type Cifar10Layout } from './cifar10.ts';
import { findIdx, type IdxLayout } from './idx.ts';
import { baseName, type Failure, type SourceEntry } from './source-entry.ts';

export type DatasetLayout =
  { format: 'cifar10' | 'cifar100'; layout: Cifar10Layout } | { format: 'idx'; layout: IdxLayout };

/** `format` is null where nothing is recognised; `found` is null where something stands in the way. */
export interface Detection {
  format: DatasetFormat | null;
  found: DatasetLayout | null;
  failures: Failure[];
}

export function detectDataset(entries: readonly SourceEntry[]): Detection {
  const idx = findIdx(entries);
  const findings = [
    { format: 'cifar10', of: findCifar(entries, cifar10) } as const,
    { format: 'cifar100', of: findCifar(entries, cifar100) } as const,
  ];
  for (const { format, of } of findings) {
    if (of && 'layout' in of) return { format, found: { format, ...of }, failures: [] };
  }
  if (idx && 'layout' in idx) return { format: 'idx', found: { format: 'idx', ...idx }, failures: [] };
  for (const { format, of } of findings) {
    if (of && 'failures' in of) return { format, found: null, failures: of.failures };
  }
  if (idx) return { format: 'idx', found: null, failures: idx.failures };
  return { format: null, found: null, failures: [notRecognised(entries)] };
}

function notRecognised(entries: readonly SourceEntry[]): Failure {
  const pickled = entries.find((entry) => /^data_batch_[1-5]$/.test(baseName(entry.path)));
  if (pickled) {
    const reason = 'This is the Python version of CIFAR-10. Fovea reads the binary version, cifar-10-binary.tar.gz.';
    return { source: pickled.path, reason };
  }
  const reason =
    'No data set was recognised here. Fovea reads folders of images with labels in YOLO, COCO, Pascal VOC, labelme or mask images, or ' +
    'in folders named after their class; and, in a folder, a .tar or a .tar.gz, the binary versions of CIFAR-10 ' +
    '(data_batch_1.bin …) and CIFAR-100 (train.bin, fine_label_names.txt), and MNIST-style IDX files (train-images-idx3-ubyte …).';
  return { source: '', reason };
}

export type CompressionKind = 'gzip' | 'tar' | 'none';

/** What a file is, from its first 512 bytes. A gzip file may hold a tar; look again at its decompressed beginning. */
export function detectCompression(head: Uint8Array): CompressionKind {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  const magic = String.fromCharCode(...head.subarray(257, 262));
  return magic === 'ustar' ? 'tar' : 'none';
}
