/** How much is drawn over the image of a pane: a test's eye for boxes on a canvas. */
import type { Locator } from 'playwright-core';

/** As much of the page as is used in it; tests know no DOM. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): { getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray } };
}
interface Page {
  getComputedStyle(element: unknown): { getPropertyValue(name: string): string };
  document: { documentElement: unknown };
}

/** Pixels of the pane's canvas that have exactly the colour of some class, as lines and tags have and photographs have not. */
export function paneInk(pane: Locator): Promise<number> {
  return pane.locator('canvas').evaluate((element) => {
    const page = globalThis as unknown as Page;
    const style = page.getComputedStyle(page.document.documentElement);
    const colours = new Set<number>();
    for (let at = 0; ; at++) {
      const ofBothThemes = style.getPropertyValue(`--series-${at}`).match(/#[0-9a-f]{6}/gi);
      if (ofBothThemes === null) break;
      for (const hex of ofBothThemes) colours.add(Number.parseInt(hex.slice(1), 16));
    }
    const canvas = element as unknown as Canvas;
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let at = 0; at < data.length; at += 4)
      if (colours.has(data[at]! * 65_536 + data[at + 1]! * 256 + data[at + 2]!)) ink++;
    return ink;
  });
}
