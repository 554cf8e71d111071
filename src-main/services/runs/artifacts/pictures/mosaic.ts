/** Sixteen images side by side with what is known or said of them, as one JPEG. */
import { imageCodec } from '../../../image-codec.ts';
import type { SizePx } from '../../../../engine/data/letterbox.ts';
import { escapeXml } from '../../../../contract/curves-svg.ts';
import { palette } from '../../report/palette.ts';

/** px of the network's input */
interface MosaicBox {
  category: number;
  bboxXyxy: readonly [number, number, number, number];
  /** Null for labels. */
  score: number | null;
}

export interface MosaicTile {
  /** uint8 [C, H, W], of one or three channels */
  planes: Uint8Array;
  /** A class a pixel, 255 where there is none; null where there are no masks. */
  mask: Uint8Array | null;
  boxes: readonly MosaicBox[];
  /** In words, of the image as a whole. */
  caption: string | null;
}

export const mostTiles = 16;
const columns = 4;
/** Smaller images are drawn with larger pixels. */
const leastTilePx = 320;
const mostPx = 1920;
const maskShare = 0.5;
const noClass = 255;

/** tiles: at most `mostTiles`, of the network's size. `classNames` in the order of the network's outputs. */
export async function mosaicJpeg(
  tiles: readonly MosaicTile[],
  network: SizePx,
  classNames: readonly string[],
): Promise<Buffer> {
  const sharp = await imageCodec();
  const enlarged = Math.max(1, Math.ceil(leastTilePx / Math.max(network.widthPx, network.heightPx)));
  const tile = { widthPx: network.widthPx * enlarged, heightPx: network.heightPx * enlarged };
  const across = Math.min(columns, tiles.length);
  const width = across * tile.widthPx;
  const height = Math.ceil(tiles.length / across) * tile.heightPx;
  const placeOf = (at: number): [x: number, y: number] => [
    (at % across) * tile.widthPx,
    Math.floor(at / across) * tile.heightPx,
  ];
  const canvas = new Uint8Array(3 * width * height).fill(255);
  tiles.forEach((each, at) => paint(canvas, width, each, network, enlarged, placeOf(at)));
  const overlay = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="13">`,
    ...tiles.map((each, at) => annotation(each, placeOf(at), tile, enlarged, classNames)),
    '</svg>',
  ].join('');
  const drawn = await sharp(canvas, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(overlay) }])
    .png({ compressionLevel: 1 })
    .toBuffer();
  return sharp(drawn)
    .resize(mostPx, mostPx, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 90 })
    .toBuffer();
}

function paint(
  canvas: Uint8Array,
  canvasWidth: number,
  { planes, mask }: MosaicTile,
  { widthPx, heightPx }: SizePx,
  enlarged: number,
  [left, top]: [number, number],
): void {
  const area = widthPx * heightPx;
  const channels = planes.length / area;
  const colours = palette.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  for (let y = 0; y < heightPx * enlarged; y++) {
    for (let x = 0; x < widthPx * enlarged; x++) {
      const from = Math.floor(y / enlarged) * widthPx + Math.floor(x / enlarged);
      const to = 3 * ((top + y) * canvasWidth + left + x);
      const category = mask === null ? noClass : mask[from]!;
      for (let channel = 0; channel < 3; channel++) {
        const own = planes[(channel % channels) * area + from]!;
        canvas[to + channel] =
          category === noClass ? own : own + (colours[category % colours.length]![channel]! - own) * maskShare;
      }
    }
  }
}

function annotation(
  { boxes, caption }: MosaicTile,
  [left, top]: [number, number],
  { widthPx, heightPx }: SizePx,
  enlarged: number,
  classNames: readonly string[],
): string {
  const clip = `tile${left}-${top}`;
  const drawn = boxes.map(({ category, bboxXyxy, score }) => {
    const [x1, y1, x2, y2] = bboxXyxy.map((side) => side * enlarged) as [number, number, number, number];
    const colour = palette[category % palette.length]!;
    const words = `${classNames[category] ?? category}${score === null ? '' : ` ${score.toFixed(2)}`}`;
    const outline = `<rect x="${x1.toFixed(1)}" y="${y1.toFixed(1)}" width="${(x2 - x1).toFixed(1)}" height="${(y2 - y1).toFixed(1)}" fill="none" stroke="${colour}" stroke-width="2"/>`;
    return outline + textOn(words, Math.max(0, x1), Math.max(0, y1 - 16), colour);
  });
  const said = caption === null ? '' : textOn(caption, 0, 0, '#222');
  return `<clipPath id="${clip}"><rect width="${widthPx}" height="${heightPx}"/></clipPath><g transform="translate(${left} ${top})"><g clip-path="url(#${clip})">${drawn.join('')}${said}</g><rect width="${widthPx}" height="${heightPx}" fill="none" stroke="#fff"/></g>`;
}

const glyphPx = 7;

function textOn(words: string, x: number, y: number, background: string): string {
  const width = words.length * glyphPx + 8;
  return `<rect x="${x}" y="${y}" width="${width}" height="16" fill="${background}"/><text x="${x + 4}" y="${y + 12}" fill="#fff">${escapeXml(words)}</text>`;
}
