/**
 * Finds images that are the same or look alike, from their fingerprints. Hashes that differ in at most `NEAR_BITS` bits
 * share at least one of their eight bytes, so that only images with a byte in common are compared. Runs in the worker.
 */
import type { ImageId } from '../../contract/model/ids.ts';
import { isLeak, type DuplicateGroup, type DuplicateReport } from '../../contract/model/splits.ts';
import type { Fingerprint } from '../../store/library-repository.ts';
import type { FingerprintAsk } from './fingerprints.ts';
import type { LibraryReader } from './library-reader.ts';

const NEAR_BITS = 5;
const GROUPS_REPORTED = 300;

export async function findDuplicates(
  { store }: LibraryReader,
  { datasetId }: FingerprintAsk,
): Promise<DuplicateReport> {
  const { splitCounts } = store.datasets.get(datasetId);
  const fingerprints = store.library.fingerprints(datasetId);
  const exact = groupsOf(sameContent(fingerprints));
  const near = groupsOf(lookAlike(fingerprints));
  // A group of look-alikes that are all byte by byte the same is told once.
  const known = new Set(exact.map((ids) => ids.join()));
  const groups = [
    ...exact.map((ids) => ({ kind: 'exact' as const, ids })),
    ...near.filter((ids) => !known.has(ids.join())).map((ids) => ({ kind: 'near' as const, ids })),
  ].map(({ kind, ids }): DuplicateGroup => {
    const images = store.images.summaries(ids).map(({ imageId, name, split }) => ({ imageId, name, split }));
    return { kind, images };
  });
  const leaks = groups.filter(isLeak);
  const leaked = new Set(leaks.flatMap(({ images }) => images.map(({ imageId }) => imageId)));
  return {
    compared: fingerprints.length,
    total: splitCounts.train + splitCounts.val + splitCounts.test,
    groups: [...leaks, ...groups.filter((group) => !isLeak(group))].slice(0, GROUPS_REPORTED),
    groupCount: groups.length,
    leakedImages: leaked.size,
  };
}

type Pair = readonly [ImageId, ImageId];

function* sameContent(fingerprints: readonly Fingerprint[]): Generator<Pair> {
  const first = new Map<string, ImageId>();
  for (const { imageId, contentHash } of fingerprints) {
    const key = Buffer.from(contentHash).toString('latin1');
    const other = first.get(key);
    if (other === undefined) first.set(key, imageId);
    else yield [other, imageId];
  }
}

function* lookAlike(fingerprints: readonly Fingerprint[]): Generator<Pair> {
  const hashed = fingerprints.flatMap(({ imageId, perceptualHash }) =>
    perceptualHash === null ? [] : [{ imageId, words: wordsOf(perceptualHash), bytes: perceptualHash }],
  );
  for (let byte = 0; byte < 8; byte++) {
    const buckets = Map.groupBy(hashed, ({ bytes }) => bytes[byte] ?? 0);
    for (const bucket of buckets.values()) {
      for (const [at, one] of bucket.entries()) {
        for (let next = at + 1; next < bucket.length; next++) {
          const other = bucket[next];
          if (other !== undefined && distance(one.words, other.words) <= NEAR_BITS) yield [one.imageId, other.imageId];
        }
      }
    }
  }
}

type Words = readonly [number, number];

function wordsOf(bytes: Uint8Array): Words {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8);
  return [view.getInt32(0), view.getInt32(4)];
}

/** Bits that differ. */
function distance(a: Words, b: Words): number {
  return bitCount(a[0] ^ b[0]) + bitCount(a[1] ^ b[1]);
}

function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Images that hang together by pairs, each group ascending in id. */
function groupsOf(pairs: Iterable<Pair>): ImageId[][] {
  const parent = new Map<ImageId, ImageId>();
  const rootOf = (id: ImageId): ImageId => {
    let root = id;
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up;
    for (let at = id; at !== root;) {
      const up = parent.get(at) ?? root;
      parent.set(at, root);
      at = up;
    }
    return root;
  };
  for (const [one, other] of pairs) {
    for (const id of [one, other]) if (!parent.has(id)) parent.set(id, id);
    const [a, b] = [rootOf(one), rootOf(other)];
    if (a !== b) parent.set(a > b ? a : b, a > b ? b : a);
  }
  const groups = Map.groupBy(
    [...parent.keys()].sort((a, b) => a - b),
    rootOf,
  );
  return [...groups.values()].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}
