/**
 * A run that starts from weights, in a browser over the real services: published ones, downloaded from a local server with
 * their licence said first, then a twin from scratch and pretrained, and what both started from, side by side.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { weightTargets } from '../../src-main/engine/train/weight-targets.ts';
import { writeSafetensors } from '../../src-main/engine/weights/safetensors.ts';
import { defaultOptions, planModel } from '../../src-main/engine/zoo/registry.ts';
import { catalogue } from '../../src-main/services/weights/catalogue.ts';
import type { AppSession } from '../helpers/app-session.ts';
import { screenshot } from '../helpers/app-session.ts';
import { launchBrowser } from '../helpers/browser.ts';
import { writeCifar10 } from '../helpers/generated-data.ts';
import { createProject, importImages } from '../helpers/walk.ts';

let session: AppSession;
let server: Server;
const problems: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'fovea-start-from-'));

/** LeNet-5 for a thousand classes. */
async function writeWeights(file: string): Promise<void> {
  const plan = planModel('lenet5', defaultOptions('lenet5'), [3, 32, 32], 1000);
  const values = initialise(plan.parameters, plan.buffers, 2);
  const tensors = weightTargets(plan).targets.map(
    ({ name, shape }) => [name, { dtype: 'F32' as const, shape, data: values.get(name)! }] as const,
  );
  await writeSafetensors(file, new Map(tensors));
}

beforeAll(async () => {
  const file = join(folder, 'lenet5.safetensors');
  await writeWeights(file);
  const content = readFileSync(file);
  server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const restrictive = catalogue({}).find(({ licence }) => licence.restrictive)!;
  const entry = {
    ...restrictive,
    id: 'lenet5-published',
    label: 'LeNet-5, a thousand classes',
    publisher: 'a local server',
    url: `http://127.0.0.1:${port}/lenet5.safetensors`,
    fileName: 'lenet5.safetensors',
    sizeBytes: content.length,
    sha256Prefix: createHash('sha256').update(content).digest('hex'),
    scaling: 'minus-one-to-one',
    networks: ['lenet5'],
  };
  const list = join(folder, 'catalogue.json');
  writeFileSync(list, JSON.stringify([entry]));
  session = await launchBrowser({
    env: { FOVEA_WEIGHTS_CATALOGUE: list, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
  });
  session.page.on('pageerror', (error) => problems.push(error.message));
  session.page.setDefaultTimeout(30_000);
  const dataFolder = join(folder, 'cifar');
  await writeCifar10(dataFolder, { perClass: 30, testPerClass: 10, seed: 1 });
  const walk = {
    page: session.page,
    host: 'weights',
    parentFolder: folder,
    dataFolder,
    counts: { train: '300', test: '100' },
  };
  await createProject(walk);
  await importImages(walk);
}, 120_000);
afterAll(async () => {
  await session.close();
  server.close();
});

const startFrom = (page: Page) => page.getByRole('region', { name: 'Start from' });

it('downloads published weights after their licence was said, and shows what fits', async () => {
  const { page } = session;
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: 'Train' }).click();
  await page.getByLabel('Epochs', { exact: true }).fill('1');
  const section = startFrom(page);
  await section.getByRole('radio', { name: 'Published' }).click();
  await section.getByText('Strong copyleft.').waitFor();
  await page
    .getByText(/is not downloaded yet/)
    .first()
    .waitFor();
  expect(await page.getByRole('button', { name: 'Start', exact: true }).isDisabled()).toBe(true);
  await screenshot(page, 'weights-1-published');
  await section.getByRole('button', { name: /^Download/ }).click();
  await section.getByText(/On this machine/).waitFor();
  const card = section.getByTestId('provenance');
  await card.getByText('8 of 10 tensors will come from').waitFor();
  await card.getByText('2 tensors new').click();
  await card.getByText('fc3.weight: [1000, 84] in the file').waitFor();
  await screenshot(page, 'weights-2-fits');
});

it('starts twins from scratch and pretrained, and lays what they started from side by side', async () => {
  const { page } = session;
  await page.getByRole('button', { name: /^Start as twin/ }).click();
  await page.getByRole('menuitem', { name: /From scratch and pretrained/ }).click();
  await page.getByRole('tab', { name: 'Configuration' }).click();
  await page.getByRole('table', { name: 'Settings that differ' }).getByText('lenet5-published').waitFor();
  await page.getByText('0 of 10 tensors: from scratch').waitFor({ timeout: 60_000 });
  await page.getByText('8 of 10 tensors came from').waitFor({ timeout: 60_000 });
  await screenshot(page, 'weights-3-compared');
  const settings = page.getByRole('table', { name: 'Settings that differ' }).locator('tbody tr');
  expect(await settings.count()).toBe(1);
});

it('starts from an earlier run, or refuses a file that is none', async () => {
  const { page } = session;
  const screens = page.getByRole('navigation', { name: 'Screens' });
  // The latest run is offered once it has done an epoch.
  await screens.getByRole('link', { name: 'Runs' }).click();
  await expect.poll(() => page.getByText('Finished', { exact: true }).count(), { timeout: 60_000 }).toBeGreaterThan(1);
  await screens.getByRole('link', { name: 'Train' }).click();
  const section = startFrom(page);
  await section.getByRole('radio', { name: 'Earlier run' }).click();
  await section.getByTestId('provenance').getByText('10 of 10 tensors will come from').waitFor();
  await section.getByText(/pretrained”, best/).waitFor();
  await screenshot(page, 'weights-4-run');
  await section.getByRole('radio', { name: 'File' }).click();
  await section.getByRole('textbox', { name: 'Weights file' }).fill(join(folder, 'catalogue.json'));
  await page.keyboard.press('Enter');
  await section.getByText(/is no file of weights that can be read/).waitFor();
  await section.getByRole('textbox', { name: 'Weights file' }).fill(join(folder, 'lenet5.safetensors'));
  await page.keyboard.press('Enter');
  await section.getByTestId('provenance').getByText('8 of 10 tensors will come from').waitFor();
  await screenshot(page, 'weights-5-file');
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await section.getByTestId('provenance').getByText('10 of 10 tensors will come from').waitFor();
  expect(problems).toEqual([]);
});
