/** Pictures of what is on the screen, to be kept: SVG elements with the colours that they have, and PNG of either kind. */

import { escapeXml } from '../../src-main/contract/curves-svg.ts';

/** What an element's look in an SVG is made of. */
const kept = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'font-size',
  'font-family',
  'text-anchor',
  'dominant-baseline',
] as const;

/** Stands for itself: no style sheet, no variable. `background` is a CSS colour. */
export function svgTextOf(element: SVGSVGElement): string {
  const copy = element.cloneNode(true) as SVGSVGElement;
  const originals = [element, ...element.querySelectorAll('*')];
  const copies = [copy, ...copy.querySelectorAll('*')];
  copies.forEach((each, index) => {
    const style = getComputedStyle(originals[index]!);
    each.removeAttribute('class');
    each.setAttribute('style', kept.map((name) => `${name}:${style.getPropertyValue(name)}`).join(';'));
  });
  const { width, height } = element.getBoundingClientRect();
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(Math.round(width)));
  copy.setAttribute('height', String(Math.round(height)));
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const side of ['width', 'height']) ground.setAttribute(side, '100%');
  ground.setAttribute('fill', getComputedStyle(document.body).backgroundColor);
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}

/** A table whose cells have colours, a matrix, as it is shown. */
export function svgTextOfTable(table: HTMLTableElement): string {
  const { left, top, width, height } = table.getBoundingClientRect();
  const size = `width="${Math.ceil(width)}" height="${Math.ceil(height)}"`;
  const ground = getComputedStyle(document.body).backgroundColor;
  const cells = Array.from(table.querySelectorAll<HTMLElement>('td, th'), (cell) => {
    const box = cell.getBoundingClientRect();
    const style = getComputedStyle(cell);
    const [x, y] = [box.left - left, box.top - top];
    const bordered = style.borderTopWidth !== '0px' ? ` stroke="${style.borderTopColor}"` : '';
    const rect = `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${box.width.toFixed(1)}" height="${box.height.toFixed(1)}" fill="${style.backgroundColor}"${bordered}/>`;
    const words = cell.innerText.trim();
    if (words === '') return rect;
    const inner = cell.firstElementChild;
    const isTurned = inner !== null && getComputedStyle(inner).writingMode.startsWith('vertical');
    const isRight = !isTurned && style.textAlign === 'right';
    const anchor = isTurned ? 'start' : isRight ? 'end' : 'middle';
    const at = isTurned
      ? `transform="translate(${(x + box.width / 2 + 4).toFixed(1)} ${(y + box.height - 4).toFixed(1)}) rotate(-90)"`
      : `x="${(isRight ? x + box.width - 6 : x + box.width / 2).toFixed(1)}" y="${(y + box.height / 2 + 4).toFixed(1)}"`;
    return `${rect}<text ${at} text-anchor="${anchor}" fill="${style.color}" font-size="${style.fontSize}">${escapeXml(words)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="system-ui, sans-serif"><rect ${size} fill="${ground}"/>${cells.join('')}</svg>`;
}

/** `scale`: pixels of the PNG to a pixel of the SVG; a canvas has its own. */
export async function pngOf(source: string | HTMLCanvasElement, scale: number): Promise<Blob> {
  const canvas = typeof source === 'string' ? await painted(source, scale) : source;
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new Error('The picture could not be made.')) : resolve(blob)));
  });
}

async function painted(svg: string, scale: number): Promise<HTMLCanvasElement> {
  const image = new Image();
  const ready = new Promise<void>((resolve, reject) => {
    image.onload = () => resolve();
    image.onerror = () => reject(new Error('The picture could not be drawn.'));
  });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await ready;
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(image.naturalWidth * scale);
  canvas.height = Math.round(image.naturalHeight * scale);
  const context = canvas.getContext('2d');
  if (context !== null) {
    // What has no ground of its own would be unreadable on a dark page.
    context.fillStyle = '#fff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
  }
  return canvas;
}
