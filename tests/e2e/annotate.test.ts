/**
 * Labelling as a person does it, in the real Electron and in Chromium in front of the web host: a folder of plain images
 * becomes a data set; classes, a box, a polygon and a mask are made, corrected, taken back, reviewed; after a restart all of
 * it is there. Once by keyboard alone, once by mouse. Needs a build in out/.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ElectronSession } from '../helpers/electron.ts';
import { eventually, hosts, LabellingPage, times } from '../helpers/labelling-page.ts';

describe.each(Object.entries(hosts))('in the %s host', (host, launch) => {
  const app = new LabellingPage(host, launch);
  const { problems, canvas, objectList, objects, names, facts, saved, press, moveTo, drag, click, colourAt, shot } =
    app;
  let page: Page;

  beforeAll(async () => {
    await app.open();
    ({ page } = app);
  }, 120_000);
  afterAll(() => app.close());

  it('makes a data set of a plain folder and goes to label it, by keyboard', async () => {
    await app.importPhotos();
    // The picture's upper left corner is red.
    await eventually(() => colourAt(8, 8)).toEqual([
      expect.closeTo(254, -1),
      expect.closeTo(0, -1),
      expect.closeTo(0, -1),
    ]);
    await shot('empty');
  });

  it('draws a box, a polygon and a mask by keyboard alone, in classes it makes on the way', async () => {
    await app.makeClass('cell');
    await app.makeClass('nucleus');

    await canvas().focus();
    await press('1', 'b');
    // A box from the middle, 40 to the right and 30 down.
    await press('ArrowLeft', 'Enter', ...times(4, 'Shift+ArrowRight'), ...times(3, 'Shift+ArrowDown'), 'Enter');
    await eventually(names).toEqual([expect.stringMatching(/cell\s*box/)]);

    await press('2', 'p', ...times(6, 'Shift+ArrowLeft'), 'Enter');
    await press(...times(3, 'Shift+ArrowUp'), 'Enter', ...times(4, 'Shift+ArrowLeft'), 'Enter', 'Enter');
    await eventually(names).toEqual([expect.stringMatching(/nucleus\s*polygon/), expect.stringMatching(/cell\s*box/)]);

    await press('Escape', 'm', ...times(6, 'Shift+ArrowDown'), 'Enter', ...times(4, 'Shift+ArrowRight'), 'Enter');
    await eventually(() => objects().count()).toBe(3);
    await saved();
    await shot('keyboard');
  });

  it('corrects, takes back and does again by keyboard', async () => {
    await press('v', 'Escape', 'n');
    await press(...times(5, 'n'));
    await objectList().focus();
    await press('End');
    await page.getByRole('heading', { name: 'cell, box' }).waitFor();
    const before = await facts();
    await press('Shift+Enter', 'Shift+ArrowRight', 'Alt+Shift+ArrowDown');
    const corrected = await facts();
    expect(corrected).not.toBe(before);
    await saved();
    await press('Control+z', 'Control+z');
    await eventually(facts).toBe(before);
    await press('Control+Shift+z', 'Control+Shift+z');
    await eventually(facts).toBe(corrected);
    await press('Shift+o');
    await page.getByRole('button', { name: 'Occluded', pressed: true }).waitFor();
    await saved();
  });

  it('marks the image as done and goes on, by keyboard', async () => {
    await press('Control+Enter');
    await app.isOn(2);
    await eventually(() => page.getByRole('option', { name: 'photo 1.jpg, Done' }).count()).toBe(1);
    await press('c');
    await eventually(() => objects().count()).toBe(3);
    await press('a');
    await app.isOn(1);
    await press('Shift+d');
    await app.isOn(2);
    await press('d');
    await app.isOn(3);
  });

  it('draws the same by mouse', async () => {
    await app.drawThree();
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*mask/),
      expect.stringMatching(/nucleus\s*polygon/),
      expect.stringMatching(/cell\s*box/),
    ]);
    await moveTo(300, 220);
    await shot('mouse');
    // The mask covers what is below it, until labels are hidden.
    const covered = await colourAt(120, 180);
    await press('q');
    await eventually(() => colourAt(120, 180)).not.toEqual(covered);
    const bare = await colourAt(190, 50);
    await press('q');
    await eventually(() => colourAt(120, 180)).toEqual(covered);
    expect(await colourAt(190, 50)).not.toEqual(bare);
  });

  it('selects, moves and changes the class by mouse, and undoes it by the button', async () => {
    await page.getByRole('button', { name: 'Select and move' }).click();
    await click(45, 31);
    await page.getByRole('heading', { name: 'cell, box' }).waitFor();
    await drag([45, 30], [55, 40], [65, 50]);
    await eventually(facts).toMatch(/ at 50, 50 /);
    await page.getByRole('button', { name: 'nucleus', exact: true }).click();
    await page.getByRole('heading', { name: 'nucleus, box' }).waitFor();
    await page.getByRole('button', { name: /^Undo/ }).click();
    await page.getByRole('heading', { name: 'cell, box' }).waitFor();
    await shot('selected');
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('region', { name: 'History' }).getByRole('listitem').first().waitFor();
    await shot('history');
    await page.getByRole('tab', { name: 'Labels' }).click();
    await page.getByRole('button', { name: 'Other review states' }).click();
    await page.getByRole('menuitem', { name: /^Needs review/ }).click();
    await app.isOn(4);
  });

  it('zooms, moves the view and changes how it looks without losing anything', async () => {
    await press('a');
    await app.isOn(3);
    await moveTo(100, 80);
    await page.mouse.wheel(0, -900);
    await page.waitForTimeout(400);
    await shot('zoomed');
    await page.mouse.down({ button: 'middle' });
    await page.mouse.move(500, 400, { steps: 3 });
    await page.mouse.up({ button: 'middle' });
    await press('z');
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await page.getByRole('dialog', { name: 'View' }).getByRole('radio', { name: 'Grey' }).click();
    await shot('view-options');
    await page.getByRole('button', { name: 'As it is in the file' }).click();
    await press('Escape');
  });

  it('opens the menu of a label by mouse, and by the key for it', async () => {
    await press('v', 'Escape');
    await moveTo(60, 50);
    await page.mouse.down({ button: 'right' });
    await page.mouse.up({ button: 'right' });
    await page.getByRole('heading', { name: 'cell, box' }).waitFor();
    await shot('menu');
    await page.getByRole('menuitem', { name: 'Duplicate' }).click();
    await eventually(() => objects().count()).toBe(4);
    await press('Control+z');
    await eventually(() => objects().count()).toBe(3);
    await canvas().focus();
    await press('n', 'Shift+F10');
    await page.getByRole('menu', { name: 'What can be done here' }).waitFor();
    await press('Escape');
    await eventually(() => page.evaluate('document.activeElement?.getAttribute("role")')).toBe('application');
    await objectList().focus();
    await press('Home', 'ContextMenu');
    await page.getByRole('menuitem', { name: 'Send to the back' }).waitFor();
    await press('End', 'ArrowUp', 'Enter');
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*polygon/),
      expect.stringMatching(/cell\s*box/),
      expect.stringMatching(/nucleus\s*mask/),
    ]);
    await press('Control+z');
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*mask/),
      expect.stringMatching(/nucleus\s*polygon/),
      expect.stringMatching(/cell\s*box/),
    ]);
  });

  it('copies to the next image, and takes back on whichever image it was', async () => {
    await app.goTo(5);
    await press('b');
    await drag([40, 40], [100, 90]);
    await eventually(() => objects().count()).toBe(1);
    await saved();
    await press('Shift+C', 'd');
    await app.isOn(6);
    await eventually(() => objects().count()).toBe(1);
    await press('Control+z');
    await eventually(() => objects().count()).toBe(0);
    await press('Control+z');
    await app.isOn(5);
    await eventually(() => objects().count()).toBe(0);
    await press('v');
    await saved();
  });

  it.runIf(host === 'electron')('keeps two windows in step', async () => {
    const { app: electron } = app.session as ElectronSession;
    const opened = electron.waitForEvent('window');
    await electron.evaluate(({ Menu }) => {
      const entries = (Menu.getApplicationMenu()?.items ?? []).flatMap(({ submenu }) => submenu?.items ?? []);
      entries.find(({ label }) => label === 'New window')?.click();
    });
    const second = await opened;
    second.setDefaultTimeout(30_000);
    // It begins where the first one is.
    await second.getByRole('application', { name: /photo 5\.jpg, .* 0 labels/ }).waitFor();
    await press('b');
    await drag([40, 40], [100, 90]);
    await second.getByRole('application', { name: / 1 labels/ }).waitFor();
    await second.getByRole('application').focus();
    await second.keyboard.press('Control+z');
    await eventually(() => objects().count()).toBe(0);
    await second.close();
    await press('v');
    await saved();
  });

  it('has it all after a restart', async () => {
    await saved();
    await app.restart();
    ({ page } = app);
    await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Annotate' }).click();
    // The first image that is still to do, or needs another look.
    await app.isOn(2);
    await eventually(() => objects().count()).toBe(3);
    await press('d');
    await app.isOn(3);
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*mask/),
      expect.stringMatching(/nucleus\s*polygon/),
      expect.stringMatching(/cell\s*box/),
    ]);
    await press('Control+z');
    await app.isOn(3);
  });

  it('met no error in the page', () => expect(problems).toEqual([]));

  it('puts aside an image that is gone, and not the one before it', async () => {
    app.removePhoto(6);
    await app.goTo(5);
    await press('d');
    await page.getByText('The image could not be opened.').waitFor();
    await shot('gone');
    await press('Shift+X');
    const listed = (name: string) => page.getByRole('option', { name }).count();
    await eventually(() => listed('photo 6.jpg, Rejected')).toBe(1);
    expect(await listed('photo 5.jpg, Rejected')).toBe(0);
  });
});
