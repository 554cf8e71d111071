/** The trash in a browser over a made-up service: deleted labels beside other things, by keyboard. Needs a build in out/. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DatasetId, ImageId, RunId } from '../../src-main/contract/model/ids.ts';
import { trashKeyOf, type DeletedLabelsItem, type TrashItem } from '../../src-main/contract/model/library.ts';
import { startWebHost, type WebHost } from '../../src-main/hosts/web/server.ts';
import { repository, screenshot } from '../helpers/app-session.ts';
import { launchChromium } from '../helpers/browser.ts';
import { sample } from '../helpers/fake-backend.ts';
import { createPreviewBackend } from '../helpers/preview-backend.ts';

const at = (hour: number): string => `2026-03-09T${String(hour).padStart(2, '0')}:00:00.000Z`;
const datasetId = 3 as DatasetId;
const common = { datasetId, datasetName: 'pets', deletedClasses: [] as string[] };
const longName = `${'a very long name of a photograph that a camera gave it '.repeat(2)}0001.jpg`;

const labels = (): DeletedLabelsItem[] => [
  {
    ...common,
    ...{ kind: 'image-labels', imageId: 1 as ImageId, day: '2026-03-09', title: 'street-012.jpg', trashedAt: at(15) },
    ...{ labelCount: 3, imageCount: 1, classCount: 2 },
    classes: [
      { name: 'car', count: 2 },
      { name: 'person', count: 1 },
    ],
  },
  {
    ...common,
    ...{ kind: 'labels', gestureId: 'many', title: 'pets', trashedAt: at(14) },
    ...{ labelCount: 50_000, imageCount: 10_000, classCount: 23 },
    classes: ['car', 'person', 'traffic light'].map((name, index) => ({ name, count: 20_000 - index * 4000 })),
  },
  {
    ...common,
    ...{ kind: 'labels', gestureId: 'class', title: 'pets', deletedClasses: ['bicycle'], trashedAt: at(12) },
    ...{ labelCount: 1234, imageCount: 400, classes: [{ name: 'bicycle', count: 1234 }], classCount: 1 },
  },
  {
    ...common,
    ...{ kind: 'image-labels', imageId: 2 as ImageId, day: '2026-03-08', title: longName, trashedAt: at(9) },
    ...{ labelCount: 1, imageCount: 1, classes: [{ name: 'car', count: 1 }], classCount: 1 },
  },
];
const things = (): TrashItem[] => [
  { kind: 'run', runId: 3 as RunId, title: 'plain, second seed', epochsDone: 12, trashedAt: at(13) },
  { kind: 'dataset', datasetId: 9 as DatasetId, title: 'old scans', imageCount: 812, trashedAt: at(8) },
];

let browser: Browser;
let host: WebHost;
let page: Page;
let left: { labels: DeletedLabelsItem[]; things: TrashItem[] };
const asked: unknown[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  const backend = createPreviewBackend('typical', 'dark');
  left = { labels: labels(), things: things() };
  const without = (key: unknown): void => {
    const stays = (item: TrashItem | DeletedLabelsItem) => JSON.stringify(trashKeyOf(item)) !== JSON.stringify(key);
    left = { labels: left.labels.filter(stays), things: left.things.filter(stays) };
  };
  Object.assign(backend.handlers, {
    'trash.list': async () => left.things,
    'trash.labels': async () => ({ total: left.labels.length + 12, items: left.labels }),
    'trash.restore': async ({ item }: { item: unknown }) => {
      asked.push(['restore', item]);
      without(item);
      return { left: null };
    },
    'trash.empty': async ({ item }: { item: unknown }) => {
      asked.push(['empty', item]);
      without(item);
      return {};
    },
  });
  host = await startWebHost({ backend, rendererFolder: join(repository, 'out', 'renderer'), port: 0 });
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(10_000);
  await page.goto(host.url);
  await page.getByRole('heading').first().waitFor();
  await page.evaluate(`location.hash = '#/${sample.project.projectId}/runs'`);
});
afterAll(async () => {
  await browser.close();
  await host.close();
});

const dialog = () => page.getByRole('dialog', { name: 'Trash' });
const lines = () => dialog().getByRole('list', { name: 'In the trash' }).locator('li.line');

it('deleted labels stand among the other things, in words that say how much and where', async () => {
  await page.getByRole('grid', { name: 'Runs' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('Trash');
  await page.keyboard.press('Enter');
  await dialog().getByText('3 labels of an image of “pets”: 2 car, 1 person').waitFor();
  await dialog()
    .getByText('50,000 labels on 10,000 images: 20,000 car, 16,000 person, 12,000 traffic light and 20 more classes')
    .waitFor();
  await dialog().getByText('Class of “pets” with 1,234 labels on 400 images').waitFor();
  expect(await lines().count()).toBe(6);
  await dialog().getByRole('button', { name: 'Show earlier deletions of labels (12 lines)' }).waitFor();
  await screenshot(page, 'trash-labels-1280');
  await page.setViewportSize({ width: 1920, height: 1080 });
  await screenshot(page, 'trash-labels-1920');
  await page.setViewportSize({ width: 1280, height: 800 });
});

it('by keyboard a line is brought back, and the next one has the focus', async () => {
  await lines().first().getByRole('button', { name: 'Bring back' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('3 labels are back on “street-012.jpg”.').waitFor();
  expect(asked.at(-1)).toEqual(['restore', { kind: 'image-labels', imageId: 1, day: '2026-03-09' }]);
  await expect.poll(() => lines().count()).toBe(5);
  const focused = lines().first().locator('button:focus');
  await focused.waitFor();
  expect((await focused.textContent())?.trim()).toBe('Bring back');
});

it('labels go for good only after a question that says what is lost; the safe answer has the focus', async () => {
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const question = page.getByRole('alertdialog', { name: 'Delete 50,000 labels of “pets” for good?' });
  await question.getByText(/neither undo nor an earlier state of their images brings them back/).waitFor();
  await screenshot(page, 'trash-labels-question');
  await page.keyboard.press('Enter');
  await question.waitFor({ state: 'detached' });
  expect(asked).toHaveLength(1);
  await lines()
    .first()
    .getByRole('button', { name: /^Delete 50,000 labels/ })
    .click();
  await question.getByRole('button', { name: 'Delete for good' }).click();
  await question.waitFor({ state: 'detached' });
  expect(asked.at(-1)).toEqual(['empty', { kind: 'labels', gestureId: 'many' }]);
  await expect.poll(() => lines().count()).toBe(4);
});
