/**
 * Looks, from inside the page, at what the grid of images draws: which rows are in sight in a frame, and how many of their
 * cells have no picture yet. It listens at the canvas, so that what it tells is what a person sees.
 */
import type { Page } from 'playwright-core';

export interface GridTimes {
  /** Times at which frames began, on the page's clock. */
  frames: number[];
  /** For how long rows were in sight without any picture, ms each. */
  emptyRows: number[];
  /** For how long rows were in sight while a picture or more were missing, ms each. */
  incompleteRows: number[];
  /** Rows that were drawn. */
  rows: number;
  /** The time at which all cells in sight had their picture for the first time; null where they never had. */
  completeAtMs: number | null;
}

/**
 * A cell without a picture is a square that is filled, and a picture stands in the middle of its square. Rows are told
 * apart by the middle of their squares in the whole grid, in steps of 4 px.
 */
const probeScript = `(() => {
  if (window.gridProbe) return;
  const probe = (window.gridProbe = { on: false });
  const { prototype } = CanvasRenderingContext2D;
  const { clearRect, fillRect, drawImage } = prototype;
  const scrollerOf = (context) => context.canvas.closest('[role="listbox"][aria-label="Images"]');
  let rows = null;
  const note = (context, middle, isPicture) => {
    const key = Math.round((middle + scrollerOf(context).scrollTop) / 4 + 0.13);
    const row = rows.get(key) ?? { pictures: 0, missing: 0 };
    row[isPicture ? 'pictures' : 'missing'] += 1;
    rows.set(key, row);
  };
  prototype.clearRect = function (...of) {
    if (probe.on && scrollerOf(this) !== null) {
      rows = new Map();
      const drawn = rows;
      const top = scrollerOf(this).scrollTop;
      queueMicrotask(() => {
        rows = null;
        settle(drawn, top);
      });
    }
    return clearRect.apply(this, of);
  };
  prototype.fillRect = function (x, y, width, height) {
    if (rows !== null && width === height && width > 30) note(this, y + height / 2, false);
    return fillRect.call(this, x, y, width, height);
  };
  prototype.drawImage = function (...of) {
    if (rows !== null && of.length === 9) note(this, of[6] + of[8] / 2, true);
    return drawImage.apply(this, of);
  };
  const settle = (drawn, top) => {
    const now = performance.now();
    for (const [since, times, isLacking] of [
      [probe.emptySince, probe.emptyRows, (row) => row.pictures === 0],
      [probe.incompleteSince, probe.incompleteRows, (row) => row.missing > 0],
    ]) {
      for (const [key, from] of since) {
        const row = drawn.get(key);
        if (row !== undefined && isLacking(row)) continue;
        times.push(now - from);
        since.delete(key);
      }
      for (const [key, row] of drawn) if (isLacking(row) && !since.has(key)) since.set(key, now);
    }
    for (const key of drawn.keys()) probe.seen.add(key);
    const isComplete = drawn.size > 0 && [...drawn.values()].every((row) => row.missing === 0);
    if (isComplete && (probe.top === null || Math.abs(top - probe.top) < 2)) probe.completeAtMs ??= now;
  };
  const tick = (time) => {
    if (probe.on) probe.frames.push(time);
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})()`;

/** What was drawn before does not count. With `share`, jumps to that place of the whole grid, and waits for its pictures only. */
export async function startProbe(page: Page, share: number | null = null): Promise<void> {
  await page.evaluate(probeScript);
  await page.evaluate(`(() => {
    const scroller = document.querySelector('[role="listbox"][aria-label="Images"]');
    const share = ${share};
    if (share !== null) scroller.scrollTop = share * scroller.scrollHeight;
    Object.assign(window.gridProbe, { top: share === null ? null : scroller.scrollTop,
    frames: [], emptySince: new Map(), incompleteSince: new Map(), emptyRows: [], incompleteRows: [],
    seen: new Set(), completeAtMs: null, on: true,
    });
  })()`);
}

/** Resolves when all that is in sight has its picture; the page's policy allows no `waitForFunction`. */
export async function gridComplete(page: Page): Promise<void> {
  const end = performance.now() + 60_000;
  while ((await page.evaluate('window.gridProbe.completeAtMs')) === null) {
    if (performance.now() > end) throw new Error('The grid has not got all of its pictures within a minute.');
    await page.waitForTimeout(20);
  }
}

/** Rows that are still lacking something count up to now. */
export async function stopProbe(page: Page): Promise<GridTimes> {
  return page.evaluate<GridTimes>(`(() => {
    const probe = window.gridProbe;
    probe.on = false;
    const now = performance.now();
    for (const from of probe.emptySince.values()) probe.emptyRows.push(now - from);
    for (const from of probe.incompleteSince.values()) probe.incompleteRows.push(now - from);
    const { frames, emptyRows, incompleteRows, completeAtMs } = probe;
    return { frames, emptyRows, incompleteRows, completeAtMs, rows: probe.seen.size };
  })()`);
}
