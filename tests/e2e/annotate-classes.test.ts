/** Classes in the real app: merged, put in order, with skeletons and attributes, given to many images. Needs a build in out/. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callInPage } from '../helpers/page-calls.ts';
import { eventually, hosts, LabellingPage } from '../helpers/labelling-page.ts';

describe.each(Object.entries(hosts))('in the %s host', (host, launch) => {
  const app = new LabellingPage(host, launch);
  const { problems, canvas, objects, names, saved, press, click, shot } = app;
  let page: Page;

  beforeAll(async () => {
    await app.openLabelled();
    ({ page } = app);
  }, 120_000);
  afterAll(() => app.close());

  it('merges classes after saying what that changes, moves one by keyboard, and undoes both', async () => {
    await page.getByRole('button', { name: 'nucleus', exact: true }).click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Merge or delete…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Classes' });
    await dialog.getByRole('checkbox', { name: 'Choose nucleus' }).check();
    await dialog.getByRole('button', { name: 'Merge…' }).click();
    const question = page.getByRole('alertdialog', { name: 'Merge “nucleus” into “cell”?' });
    await question.getByText(/^2 labels on 1 image become “cell”/).waitFor();
    await shot('merge');
    await question.getByRole('button', { name: 'Merge', exact: true }).click();
    await eventually(() => dialog.getByRole('checkbox').count()).toBe(1);
    await eventually(() => question.count()).toBe(0);
    await press('Escape');
    await eventually(() => dialog.count()).toBe(0);
    await eventually(async () => (await names()).filter((name) => /cell/.test(name)).length).toBe(3);
    await press('Control+z');
    await page.getByRole('button', { name: 'nucleus', exact: true }).waitFor();
    await eventually(async () => (await names()).filter((name) => /nucleus/.test(name)).length).toBe(2);

    await page.getByRole('button', { name: 'Edit classes, skeletons and attributes' }).click();
    await dialog.getByRole('button', { name: 'cell', exact: true }).focus();
    await press('Alt+ArrowDown');
    const order = (): Promise<string[]> =>
      dialog.getByRole('checkbox').evaluateAll((all) => all.map((box) => box.ariaLabel ?? ''));
    await eventually(order).toEqual(['Choose nucleus', 'Choose cell']);
    await shot('classes');
    await press('Escape');
    await eventually(() => dialog.count()).toBe(0);
    await press('Control+z');
    await page.getByRole('button', { name: 'Edit classes, skeletons and attributes' }).click();
    await eventually(order).toEqual(['Choose cell', 'Choose nucleus']);
    await press('Escape');
    await eventually(() => dialog.count()).toBe(0); // the next test names buttons that are in it too
  });

  it('asks for a skeleton’s points by name, and for attributes', async () => {
    await page.getByRole('button', { name: 'cell', exact: true }).click({ button: 'right' });
    await page.getByRole('menuitem', { name: 'Skeleton…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Classes' });
    await dialog.getByRole('button', { name: 'One point' }).click();
    await dialog.getByRole('textbox', { name: 'Name of a new point' }).fill('tail');
    await press('Enter');
    await dialog.getByRole('textbox', { name: 'Name of point 2' }).waitFor();
    await dialog.getByRole('button', { name: 'point: begin a line' }).click();
    await dialog.getByRole('button', { name: 'tail: end the line' }).click();
    await eventually(() => dialog.locator('line').count()).toBe(1);
    await shot('skeleton');
    await dialog.getByRole('tab', { name: /^Attributes/ }).click();
    await dialog.getByRole('textbox', { name: 'Name of a new attribute' }).fill('alive');
    await press('Enter');
    await dialog.getByRole('list', { name: 'Attributes' }).getByText('alive').waitFor();
    await press('Escape');
    // With nothing selected, or the class would be the selection's too.
    await canvas().focus();
    await press('Escape');
    await page.getByRole('button', { name: 'cell', exact: true }).click();
    await page.getByRole('button', { name: 'Keypoints', exact: true }).click();
    await click(150, 130);
    await page.getByText('tail (2 of 2)').waitFor();
    await click(170, 150);
    await eventually(names).toEqual(expect.arrayContaining([expect.stringMatching(/cell\s*keypoints/)]));
    await page.getByRole('region', { name: 'Selected labels' }).getByText('alive').waitFor();
    await shot('keypoints');
    // Points, attribute, line, second point, skeleton.
    for (const count of [3, 3, 3, 3, 3]) {
      await press('Control+z');
      await eventually(() => objects().count()).toBe(count);
    }
    await press('v');
    await saved();
  });

  it('gives many images their class at once', async () => {
    await press('y');
    const grid = page.getByRole('listbox', { name: 'Images to classify' });
    await grid.getByRole('option').nth(4).click();
    await grid
      .getByRole('option')
      .nth(5)
      .click({ modifiers: ['Shift'] });
    await press('1');
    await eventually(() => grid.getByRole('option', { name: /cell, Done/ }).count()).toBe(2);
    await page.waitForTimeout(400);
    await shot('classify');
    await press('Control+z');
    await eventually(() => grid.getByRole('option', { name: /cell/ }).count()).toBe(0);
    await page.getByRole('radio', { name: 'Image', exact: true }).click();
  });

  it('gives an image several classes, one by one and in the grid', async () => {
    await app.goTo(5);
    await press('t');
    await page.getByRole('checkbox', { name: 'Several classes' }).check();
    await canvas().focus();
    await press('1', '2');
    await eventually(names).toEqual([
      expect.stringMatching(/nucleus\s*whole image/),
      expect.stringMatching(/cell\s*whole image/),
    ]);
    await press('1');
    await eventually(names).toEqual([expect.stringMatching(/nucleus\s*whole image/)]);
    await saved();
    await press('y');
    const grid = page.getByRole('listbox', { name: 'Images to classify' });
    const fifth = grid.getByRole('option', { name: /photo 5\.jpg/ });
    await fifth.click();
    await press('1');
    await grid.getByRole('option', { name: /photo 5\.jpg, (cell, nucleus|nucleus, cell), / }).waitFor();
    // What is not in sight is not deleted.
    await press('Delete', '2');
    await grid.getByRole('option', { name: /photo 5\.jpg, cell, / }).waitFor();
    await shot('several-classes');
    await page.getByRole('checkbox', { name: 'Several classes' }).uncheck();
    await page.getByRole('radio', { name: 'Image', exact: true }).click();
    await app.isOn(5);
    await eventually(names).toEqual([expect.stringMatching(/cell\s*whole image/)]);
    await canvas().focus();
    // Two in the grid, three in the editor.
    for (const count of [2, 1, 2, 1, 0]) {
      await press('Control+z');
      await eventually(() => objects().count()).toBe(count);
    }
    await saved();
  });

  it.runIf(host === 'electron')('has room for two hundred classes', async () => {
    const [project] = await callInPage(page, 'project.recent', {});
    const { projectId } = project!;
    const [dataset] = await callInPage(page, 'dataset.list', { projectId });
    for (let number = 3; number <= 200; number++) {
      const name =
        number === 7
          ? `a class whose name is far too long for the panel ${'and goes on '.repeat(4)}`
          : `class ${number}`;
      await callInPage(page, 'category.create', { projectId, datasetId: dataset!.datasetId, name });
    }
    await page.getByRole('button', { name: 'class 9', exact: true }).waitFor();
    await shot('overfull');
  });

  it('met no error in the page', () => expect(problems).toEqual([]));
});
