/**
 * Size, channels and EXIF orientation of JPEG and PNG files from their first bytes: many times quicker than a codec, and
 * null wherever anything is unusual, which is the codec's to judge. Sources: ITU T.81, EXIF 2.3, the PNG specification.
 */

export interface HeaderFacts {
  mediaType: 'image/jpeg' | 'image/png';
  /** As they are in the file, before the orientation. */
  width: number;
  height: number;
  channels: number;
  /** 1 to 8. */
  orientation: number;
}

/** How much of a file is read; what is not in it is left to the codec. */
export const QUICK_HEADER_BYTES = 16 * 1024;

export function quickHeader(head: Uint8Array): HeaderFacts | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length > 33 && view.getUint32(0) === 0x89504e47) return pngHeader(view);
  if (head.length > 4 && view.getUint16(0) === 0xffd8) return jpegHeader(view);
  return null;
}

/** By colour type; a palette may have transparency, which the codec turns into a channel. */
const pngChannels: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

function pngHeader(view: DataView): HeaderFacts | null {
  const [bits, colourType] = [view.getUint8(24), view.getUint8(25)];
  const channels = pngChannels[colourType];
  if (view.getUint32(12) !== 0x49484452 || bits !== 8 || channels === undefined) return null;
  // Orientation and transparency stand before the image data.
  for (let at = 8; at + 12 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const type = view.getUint32(at + 4);
    if (type === 0x49444154) {
      const [width, height] = [view.getUint32(16), view.getUint32(20)];
      return width > 0 && height > 0 ? { mediaType: 'image/png', width, height, channels, orientation: 1 } : null;
    }
    if (type === 0x65584966 || type === 0x74524e53) return null; // eXIf, tRNS
  }
  return null;
}

function jpegHeader(view: DataView): HeaderFacts | null {
  let orientation = 1;
  for (let at = 2; at + 10 <= view.byteLength;) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    const length = view.getUint16(at + 2);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      const [height, width, channels] = [view.getUint16(at + 5), view.getUint16(at + 7), view.getUint8(at + 9)];
      const isUsual = view.getUint8(at + 4) === 8 && width > 0 && height > 0 && (channels === 1 || channels === 3);
      return isUsual ? { mediaType: 'image/jpeg', width, height, channels, orientation } : null;
    }
    if (marker === 0xe1 && at + 14 <= view.byteLength && view.getUint32(at + 4) === 0x45786966) {
      if (at + 2 + length > view.byteLength) return null;
      const found = exifOrientation(view, at + 10, at + 2 + length);
      if (found === null) return null;
      orientation = found;
    }
    if (marker === 0xda || length < 2) return null;
    at += 2 + length;
  }
  return null;
}

/** 1 where it is silent; null where it cannot be followed. `from`: where the TIFF header begins. */
function exifOrientation(view: DataView, from: number, end: number): number | null {
  if (from + 8 > end) return null;
  const little = view.getUint16(from) === 0x4949;
  const entries = from + view.getUint32(from + 4, little);
  if (entries + 2 > end) return null;
  const count = view.getUint16(entries, little);
  for (let index = 0; index < count; index++) {
    const at = entries + 2 + index * 12;
    if (at + 12 > end) return null;
    if (view.getUint16(at, little) !== 0x0112) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : null;
  }
  return 1;
}
