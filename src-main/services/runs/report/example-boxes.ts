/** Boxes over an example image of a report, as SVG in the image's own pixels. Pure. */
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import { escapeXml } from '../../../contract/curves-svg.ts';
import { shownBoxes } from '../../../contract/model/box-matching.ts';
import { usualDetectionSettings, type ImageBoxes } from '../../../contract/model/run-results.ts';
import { palette } from './palette.ts';

export interface ExampleBox {
  bboxXyxy: BboxXyxy;
  /** Ordinal of its class. */
  category: number;
  words: string;
  /** Dashed boxes are wrong. */
  dashed: boolean;
}

export interface ExampleBoxes {
  /** Of the image, in whose pixels the boxes are. */
  size: { widthPx: number; heightPx: number };
  truth: readonly ExampleBox[];
  /** In the order of the runs. */
  runs: readonly (readonly ExampleBox[])[];
}

/** As wide as a pane of the report is: lines and words are as large over every image. */
const paneWidthPx = 260;
const textPx = 11;
/** A letter's width, generously: words that would reach over the image's right edge end there instead. */
const letterPx = 0.6 * textPx;

export function trueBoxes(boxes: ImageBoxes, names: readonly string[]): ExampleBox[] {
  return shownBoxes(boxes, usualDetectionSettings).objects.map(({ bboxXyxy, category }) => {
    return { bboxXyxy, category, words: names[category] ?? '', dashed: false };
  });
}

export function detectedBoxes(boxes: ImageBoxes, names: readonly string[]): ExampleBox[] {
  return shownBoxes(boxes, usualDetectionSettings).detections.map(({ bboxXyxy, category, score, outcome }) => ({
    bboxXyxy,
    category,
    words: `${names[category] ?? ''} ${score.toFixed(2)}`,
    dashed: outcome !== 'right',
  }));
}

export function boxesSvg(boxes: readonly ExampleBox[], { widthPx }: ExampleBoxes['size']): string {
  const unit = widthPx / paneWidthPx;
  const px = (value: number): string => String(Math.round(value * 10) / 10);
  return boxes
    .map(({ bboxXyxy: [x1, y1, x2, y2], category, words, dashed }) => {
      const colour = palette[category % palette.length]!;
      const dash = dashed ? ` stroke-dasharray="${px(5 * unit)} ${px(3 * unit)}"` : '';
      const place = `x="${px(x1)}" y="${px(y1)}" width="${px(x2 - x1)}" height="${px(y2 - y1)}" fill="none"`;
      // Inside where there is no room above.
      const top = y1 > textPx * unit ? y1 - 3 * unit : y1 + textPx * unit;
      const isCut = x1 + words.length * letterPx * unit > widthPx;
      const start = isCut ? `x="${px(widthPx - 3 * unit)}" text-anchor="end"` : `x="${px(x1)}"`;
      return (
        `<rect ${place} stroke="#fff" stroke-width="${px(3.5 * unit)}" stroke-opacity="0.7"/>` +
        `<rect ${place} stroke="${colour}" stroke-width="${px(2 * unit)}"${dash}/>` +
        `<text ${start} y="${px(top)}" font-family="system-ui, sans-serif" font-size="${px(textPx * unit)}" fill="${colour}" stroke="#fff" stroke-width="${px(3 * unit)}" paint-order="stroke">${escapeXml(words)}</text>`
      );
    })
    .join('');
}
