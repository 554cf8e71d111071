/**
 * Small pictures of several images in one answer, because a request of its own for each costs more than its picture: after
 * each other, each behind its length in bytes (uint32, little-endian); 0 where there is none.
 */

/** Of the longer side at most. */
export const smallPx = 128;
export const smallPicturesMax = 16;

const LENGTH_BYTES = 4;

export function joinPictures(pictures: readonly (Uint8Array | null)[]): Uint8Array {
  const sizeBytes = pictures.reduce((sum, picture) => sum + LENGTH_BYTES + (picture?.length ?? 0), 0);
  const joined = new Uint8Array(sizeBytes);
  const view = new DataView(joined.buffer);
  let at = 0;
  for (const picture of pictures) {
    view.setUint32(at, picture?.length ?? 0, true);
    if (picture !== null) joined.set(picture, at + LENGTH_BYTES);
    at += LENGTH_BYTES + (picture?.length ?? 0);
  }
  return joined;
}

/** Throws RangeError where the bytes are no joined pictures. */
export function splitPictures(joined: ArrayBuffer): (Uint8Array<ArrayBuffer> | null)[] {
  const view = new DataView(joined);
  const pictures: (Uint8Array<ArrayBuffer> | null)[] = [];
  for (let at = 0; at < joined.byteLength;) {
    const length = view.getUint32(at, true);
    pictures.push(length === 0 ? null : new Uint8Array(joined, at + LENGTH_BYTES, length));
    at += LENGTH_BYTES + length;
  }
  return pictures;
}
