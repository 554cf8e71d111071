/**
 * The canvas of the real app and what a person sets about it: two sets of labels against each other, keys of one's own, a
 * pen, two themes and two sizes. Needs a build in out/.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, hosts, LabellingPage } from '../helpers/labelling-page.ts';

describe.each(Object.entries(hosts))('in the %s host', (host, launch) => {
  const app = new LabellingPage(host, launch);
  const { problems, canvas, objects, names, facts, press, moveTo, onScreen, colourAt, shot } = app;
  let page: Page;

  beforeAll(async () => {
    await app.openLabelled();
    ({ page } = app);
  }, 120_000);
  afterAll(() => app.close());

  it('lays two sets of labels against each other', async () => {
    await press('v', 'Escape', 'Shift+V');
    const bar = page.getByRole('group', { name: 'Compare labels' });
    await bar.waitFor();
    const divider = bar.getByRole('slider', { name: /^Divider/ });
    await divider.focus();
    // Left of the divider is what was before the first change: nothing.
    await press('Home');
    await moveTo(300, 220);
    await page.waitForTimeout(400);
    const right = await colourAt(190, 50);
    await divider.focus();
    await press('End');
    await eventually(() => colourAt(190, 50)).not.toEqual(right);
    await bar.getByRole('button', { name: 'Swap the sides' }).click();
    await eventually(() => colourAt(190, 50)).toEqual(right);
    await divider.focus();
    await press('Home', 'PageUp', 'PageUp', 'PageUp', 'PageUp', 'PageUp');
    await shot('compare');
    await bar.getByRole('button', { name: 'End the comparison' }).click();
    await eventually(() => bar.count()).toBe(0);
  });

  it('takes keys of one’s own, and names a conflict', async () => {
    await press('?');
    const sheet = page.getByRole('dialog', { name: 'Shortcuts' });
    await shot('keys');
    await sheet.getByRole('button', { name: 'Change keys' }).click();
    await sheet.getByRole('button', { name: 'Key of Next image: D' }).click();
    await press('b');
    await sheet.getByText('Same key as: Tool: Box').waitFor();
    await shot('keys-conflict');
    await sheet.getByRole('button', { name: 'As it was' }).click();
    await eventually(() => sheet.getByText(/^Same key as/).count()).toBe(0);
    await press('Escape');
  });

  // Playwright's own emulation holds a browser's pixel ratio.
  it.runIf(host === 'electron')('paints with a pen’s pressure, at the pixel ratio of the screen', async () => {
    await app.goTo(5);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Emulation.setDeviceMetricsOverride', {
      ...{ width: 1280, height: 800, deviceScaleFactor: 2, mobile: false },
    });
    const ratios = (): Promise<number[]> =>
      page.evaluate(
        `[...document.querySelectorAll('[role=application] canvas')].map((one) => one.width / one.clientWidth)`,
      );
    await eventually(ratios).toEqual([2, 2, 2]);
    await press('m');
    await page.getByRole('checkbox', { name: 'Pressure' }).check();
    const pen = async (type: 'mousePressed' | 'mouseMoved' | 'mouseReleased', x: number, force: number) => {
      const [left, top] = await onScreen(x, 120);
      const buttons = type === 'mouseReleased' ? 0 : 1;
      await devtools.send('Input.dispatchMouseEvent', {
        ...{ type, x: left, y: top, button: 'left', buttons, clickCount: 1, pointerType: 'pen', force },
      });
    };
    await pen('mousePressed', 60, 0.1);
    for (let step = 1; step <= 12; step++) await pen('mouseMoved', 60 + 15 * step, 0.1 + 0.07 * step);
    await pen('mouseReleased', 240, 0);
    await eventually(names).toEqual([expect.stringMatching(/\s*mask/)]);
    await shot('pen');
    // Thin where it begins, as wide as twice the brush where it ends.
    const [width, height, , , area] = ((await facts()) ?? '').replaceAll(',', '').match(/\d+/g)!.map(Number);
    expect(area).toBeLessThan(0.75 * width! * height!);
    expect(height).toBeGreaterThan(30);
    await page.getByRole('checkbox', { name: 'Pressure' }).uncheck();
    await canvas().focus();
    await press('Control+z', 'v');
    await eventually(() => objects().count()).toBe(0);
    await devtools.send('Emulation.clearDeviceMetricsOverride');
    await eventually(ratios).toEqual([1, 1, 1]);
  });

  it.runIf(host === 'web')('looks right in both themes and in two sizes', async () => {
    await app.goTo(1);
    await page.getByRole('button', { name: 'Brush', exact: true }).click();
    for (const theme of ['Dark', 'Light']) {
      await press('Control+k');
      await page.keyboard.type(`theme: ${theme}`);
      await press('Enter');
      for (const [width, height] of [
        [1280, 800],
        [1920, 1080],
      ] as const) {
        await page.setViewportSize({ width, height });
        await page.waitForTimeout(500);
        await moveTo(90, 70);
        await shot(`${theme.toLowerCase()}-${width}`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await press('v');
  });

  it('met no error in the page', () => expect(problems).toEqual([]));
});
