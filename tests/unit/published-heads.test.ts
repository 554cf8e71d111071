/**
 * Checkpoints laid out as the published yolov8n-seg, -pose and -cls are: every tensor finds its place, and the network then says
 * what PyTorch says with them (tests/golden/weights/published.py). Their storages are filled here as the script says.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWeights } from '../../src-main/engine/train/start-weights.ts';
import { hashFile } from '../../src-main/engine/weights/file-hash.ts';
import { floatToHalf } from '../../src-main/engine/weights/half-float.ts';
import { openWeights } from '../../src-main/engine/weights/open-weights.ts';
import { planModel, preprocessingOf } from '../../src-main/engine/zoo/registry.ts';
import { repository } from '../helpers/app-session.ts';
import { relativeError, runtime } from '../helpers/engine-run.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { infer } from '../helpers/infer-network.ts';
import { storedZip } from '../helpers/stored-zip.ts';

interface Published {
  side: number;
  imageSeed: number;
  networks: Record<
    string,
    {
      /** How many the state dict has, of floating-point numbers. */
      tensors: number;
      /** Of halves `centre` + m / 2^`places`, of halves that count up, or of one whole number. */
      storages: [key: string, elements: number, fill: 'number' | 'counting' | [centre: number, places: number]][];
      /** Whole, base64, by key. */
      others: Record<string, string>;
      outputs: Record<string, { shape: number[]; every: number; values: string }>;
    }
  >;
}
const golden = join(repository, 'tests', 'golden', 'weights');
const published = JSON.parse(readFileSync(join(golden, 'published.json'), 'utf8')) as Published;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fovea-published-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  expect(runtime.liveSessions).toBe(0);
});

function storage(key: string, elements: number, fill: Published['networks'][string]['storages'][number][2]) {
  if (fill === 'number') return Buffer.alloc(8 * elements);
  const random = seededRandom(1000 + Number(key));
  const value =
    fill === 'counting' ? (index: number) => index : () => fill[0] + (Math.floor(random() * 512) - 256) / 2 ** fill[1];
  const halves = Uint16Array.from({ length: elements }, (_, index) => floatToHalf(value(index)));
  return Buffer.from(halves.buffer);
}

async function writeCheckpoint(head: string): Promise<string> {
  const { storages, others } = published.networks[head]!;
  const name = `yolov8n-${head}.pt`;
  const file = join(folder, name);
  const entries = new Map<string, Uint8Array>([
    ['archive/data.pkl', gunzipSync(readFileSync(join(golden, 'published', `yolov8n-${head}.pkl.gz`)))],
    ...storages.map(([key, ...rest]) => [`archive/data/${key}`, storage(key, ...rest)] as const),
    ...Object.entries(others).map(([key, text]) => [`archive/data/${key}`, Buffer.from(text, 'base64')] as const),
    ['archive/version', Buffer.from('3\n')],
  ]);
  await writeFile(file, storedZip([...entries]));
  return file;
}

const noSplit = { imageIds: [], packs: [], rows: [], labels: [] };

describe.each([
  {
    head: 'seg',
    id: 'yolov8-seg',
    classes: 80,
    naming: 'Ultralytics YOLOv8',
    outputs: ['scores', 'distances', 'coefficients', 'prototypes'],
  },
  {
    head: 'pose',
    id: 'yolov8-pose',
    classes: 1,
    naming: 'Ultralytics YOLOv8',
    outputs: ['scores', 'distances', 'keypoints'],
  },
  { head: 'cls', id: 'yolov8-cls', classes: 1000, naming: 'Ultralytics YOLOv8 classifier', outputs: ['logits'] },
])('a checkpoint of yolov8n-$head', ({ head, id, classes, naming, outputs }) => {
  test('loads whole and says what PyTorch says', { timeout: 60_000 }, async () => {
    const path = await writeCheckpoint(head);
    const wanted = published.networks[head]!;
    const source = await openWeights(path);
    expect(source.tensors).toHaveLength(wanted.tensors);
    await source.close();

    const model = { id, options: { size: 'n' } };
    const preprocessing = preprocessingOf(model);
    const side = published.side;
    const plan = planModel(id, model.options, [3, side, side], classes);
    const { tensors, provenance } = await startWeights({
      file: { label: head, path, sha256: await hashFile(path, 'sha256'), known: { padding: null, scaling: null } },
      plan,
      preprocessing,
      config: { seed: 1, device: 'cpu' },
      data: { categories: [], packs: [], train: noSplit, evaluation: noSplit },
      runtime,
      threads: 0,
      signal: new AbortController().signal,
    });
    expect(provenance.fit).toMatchObject({ naming, fresh: [], rebuiltNorms: 0 });
    expect(provenance.fit.loaded).toBe(provenance.fit.total);
    expect(provenance.fit.loaded).toBe(wanted.tensors);

    const random = seededRandom(published.imageSeed);
    const image = Uint8Array.from({ length: 3 * side * side }, () => Math.floor(random() * 256));
    const said = await infer(plan, tensors, preprocessing, image);
    // Of a detector the first output are the distributions that the distances are the means of.
    const own = outputs.length === 1 ? said : said.slice(1);
    expect(own).toHaveLength(outputs.length);
    outputs.forEach((output, index) => {
      const { shape, every, values } = wanted.outputs[output]!;
      expect(own[index]!.shape, output).toEqual([1, ...shape]);
      const sampled = (own[index]!.data as Float32Array).filter((_, at) => at % every === 0);
      const bytes = Buffer.from(values, 'base64');
      const golden = new Float32Array(Uint8Array.from(bytes).buffer);
      expect(relativeError(sampled, golden), output).toBeLessThan(1e-5);
    });
  });
});
