/** What a detector or classifier is trained on: how many labels of each class, and where boxes lie and how large they are, as SVG. Pure. */
import { bboxAt } from '../../../../contract/geometry/box.ts';
import { objectColumns, type SplitData } from '../../../../engine/data/training-data.ts';
import { escapeXml } from '../../../../contract/curves-svg.ts';
import { palette } from '../../report/palette.ts';

const panel = { side: 460, margin: 50, gap: 30 };
const mostDots = 5000;
const mostOutlines = 1000;
const longestName = 14;

/** A box in shares of its image. */
interface BoxShare {
  category: number;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Null where the split has labels of another kind. */
export function labelsSvg(split: SplitData, classNames: readonly string[]): string | null {
  const { objects, labels, sizesPx } = split;
  const boxes = objects && sizesPx ? boxShares(objects, sizesPx) : null;
  const categories = objects
    ? objects.rows.filter((_, i) => i % objectColumns.length === 0)
    : labels.length > 0
      ? labels
      : null;
  if (categories === null) return null;
  const counts = classNames.map((_, category) => categories.filter((each) => each === category).length);
  const panels = [
    countsPanel(counts, classNames),
    ...(boxes === null
      ? []
      : [outlinesPanel(boxes), dotsPanel('middles of the boxes', boxes, ({ x, y }) => [x, y], true)]),
    ...(boxes === null ? [] : [dotsPanel('width and height', boxes, ({ width, height }) => [width, height], false)]),
  ];
  const across = Math.min(2, panels.length);
  const step = panel.side + panel.margin + panel.gap;
  const [width, height] = [across * step + panel.gap, Math.ceil(panels.length / across) * step + panel.gap];
  const placed = panels.map((content, at) => {
    const [x, y] = [panel.gap + panel.margin + (at % across) * step, panel.gap + Math.floor(at / across) * step];
    return `<g transform="translate(${x} ${y})">${content}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width + panel.gap}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...placed,
    '</svg>',
  ].join('\n');
}

function boxShares({ counts, rows }: NonNullable<SplitData['objects']>, sizesPx: readonly number[]): BoxShare[] {
  const width = objectColumns.length;
  let object = 0;
  return counts.flatMap((count, image) => {
    const [imageWidth, imageHeight] = [sizesPx[2 * image]!, sizesPx[2 * image + 1]!];
    return Array.from({ length: count }, (): BoxShare => {
      const at = width * object++;
      const [x1, y1, x2, y2] = bboxAt(rows, at + 1);
      return {
        category: rows[at]!,
        ...{ x: (x1 + x2) / 2 / imageWidth, y: (y1 + y2) / 2 / imageHeight },
        ...{ width: (x2 - x1) / imageWidth, height: (y2 - y1) / imageHeight },
      };
    });
  });
}

const colourOf = (category: number): string => palette[category % palette.length]!;
const frame = `<rect width="${panel.side}" height="${panel.side}" fill="none" stroke="#bbb"/>`;
const caption = (words: string): string =>
  `<text x="${panel.side / 2}" y="${panel.side + 34}" text-anchor="middle" fill="#777">${words}</text>`;
const px = (share: number): string => (share * panel.side).toFixed(1);

function countsPanel(counts: readonly number[], names: readonly string[]): string {
  const most = Math.max(1, ...counts);
  const width = panel.side / Math.max(1, counts.length);
  const bars = counts.map((count, at) => {
    const height = (count / most) * (panel.side - 24);
    const x = at * width;
    const bar = `<rect x="${x + width * 0.1}" y="${panel.side - height}" width="${width * 0.8}" height="${height}" fill="${colourOf(at)}"/>`;
    if (width < 14) return bar;
    const name = names[at]!;
    const short = escapeXml(name.length <= longestName ? name : `${name.slice(0, longestName - 1)}…`);
    const middle = x + width / 2;
    const number =
      width < 40
        ? ''
        : `<text x="${middle}" y="${panel.side - height - 6}" text-anchor="middle" fill="#444">${count}</text>`;
    const label =
      width >= 70
        ? `<text x="${middle}" y="${panel.side + 16}" text-anchor="middle" fill="#444">${short}</text>`
        : `<text x="${middle + 4}" y="${panel.side - 6}" fill="#222" transform="rotate(-90 ${middle + 4} ${panel.side - 6})">${short}</text>`;
    return bar + number + label;
  });
  return frame + bars.join('') + caption('labels of each class');
}

/** Boxes laid over each other by their middles. */
function outlinesPanel(boxes: readonly BoxShare[]): string {
  const drawn = thinned(boxes, mostOutlines).map(
    ({ category, width, height }) =>
      `<rect x="${px(0.5 - width / 2)}" y="${px(0.5 - height / 2)}" width="${px(width)}" height="${px(height)}" fill="none" stroke="${colourOf(category)}" stroke-opacity="0.35"/>`,
  );
  return frame + drawn.join('') + caption('boxes, laid over each other');
}

/** Shares of the image along both axes; downwards where they are places in it. */
function dotsPanel(
  title: string,
  boxes: readonly BoxShare[],
  place: (box: BoxShare) => [number, number],
  downwards: boolean,
): string {
  const drawn = thinned(boxes, mostDots).map((box) => {
    const [x, y] = place(box);
    return `<circle cx="${px(x)}" cy="${px(downwards ? y : 1 - y)}" r="2" fill="${colourOf(box.category)}" fill-opacity="0.4"/>`;
  });
  const ticks = [0, 0.5, 1].map((tick) => {
    const y = downwards ? tick : 1 - tick;
    return `<text x="${px(tick)}" y="${panel.side + 16}" text-anchor="middle" fill="#777">${tick}</text><text x="-8" y="${Number(px(y)) + 4}" text-anchor="end" fill="#777">${tick}</text>`;
  });
  return frame + drawn.join('') + ticks.join('') + caption(`${title}, shares of the image`);
}

/** Evenly chosen where there are more. */
function thinned<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]!);
}
