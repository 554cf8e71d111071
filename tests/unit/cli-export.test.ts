/** The command line: what is made of a run: networks, artifacts, predictions. */
import { sample } from '../helpers/fake-backend.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import { cli, folder, projectId, stderr, stdout } from '../helpers/cli-session.ts';

describe('export', () => {
  const answered = (file: string) => ({
    file,
    sizeBytes: 12_345,
    check: { images: 4, worst: 2e-7, tolerance: 1e-4, decisions: 0, different: 0, tiled: null, ok: true },
  });
  const handler = () => vi.fn<Handlers['run.export']>(async ({ file }) => answered(file));

  it('writes the best checkpoint as the kind of file that its name says', async () => {
    const exportRun = handler();
    expect(await cli(['export', '7', '-o', '../out.onnx'], { handlers: { 'run.export': exportRun } })).toBe(0);
    const file = join(folder, 'out.onnx');
    expect(exportRun).toHaveBeenCalledWith({
      projectId,
      runId: 7,
      checkpoint: 'best',
      form: { format: 'onnx', decisions: false, batchSize: 1 },
      file,
      overwrite: false,
    });
    expect(stdout).toContain(`${file} (13 kB)`);
    expect(stdout).toContain("Checked on 4 images against the app's own results: off by 2.0e-7 of the largest number.");
  });

  it('exports weights in half precision, and a model with decisions', async () => {
    const exportRun = handler();
    const handlers = { 'run.export': exportRun };
    await cli(['export', '7', '--checkpoint', 'last', '-o', 'w.safetensors', '--half', '--force'], { handlers });
    await cli(['export', '7', '-o', 'w.onnx', '--decisions'], { handlers });
    expect(exportRun.mock.calls.map(([{ checkpoint, form, overwrite }]) => [checkpoint, form, overwrite])).toEqual([
      ['last', { format: 'safetensors', precision: 'float16' }, true],
      ['best', { format: 'onnx', decisions: true, batchSize: 1 }, false],
    ]);
  });

  it('says what to do where a file is in the way, and refuses what does not go together', async () => {
    const inTheWay: Partial<Handlers> = {
      'run.export': async () => {
        throw new FoveaError('already-exists', 'It is there already.');
      },
    };
    expect(await cli(['export', '7', '-o', 'a.onnx'], { handlers: inTheWay })).toBe(1);
    expect(stderr).toContain('It is there already. Overwrite it with --force.');
    expect(await cli(['export', '7', '-o', 'a.onnx', '--half'])).toBe(2);
    expect(await cli(['export', '7', '--checkpoint', 'first', '-o', 'a.onnx'])).toBe(2);
    expect(await cli(['export', '7'])).toBe(2);
  });
});

describe('predict', () => {
  const said = {
    ...{ run: 'first', checkpoint: 'best', epoch: 3, task: 'detection', classes: ['car', 'sign'] },
    images: [
      {
        ...{ file: '/p/a.jpg', widthPx: 8, heightPx: 8 },
        said: { kind: 'boxes', boxes: [1, 0, 1].map((category) => ({ category, score: 0.5, bboxXyxy: [0, 0, 4, 4] })) },
      },
      { file: '/p/b.jpg', widthPx: 8, heightPx: 8, said: { kind: 'boxes', boxes: [] } },
    ],
    failures: [{ file: '/p/c.jpg', reason: 'The file is empty.' }],
  };

  it('has files and folders looked at, and says what was said of them', async () => {
    const output = join(folder, 'said.json');
    const predictRun = vi.fn<Handlers['run.predict']>(async () => {
      writeFileSync(output, JSON.stringify(said));
      return { ...sample.job, state: 'done' };
    });
    const args = ['predict', '7', '../photos', '/p/x.jpg', '--confidence', '0.4', '-o', '../said.json'];
    expect(await cli(args, { handlers: { 'run.predict': predictRun } })).toBe(0);
    expect(predictRun).toHaveBeenCalledWith({
      ...{ projectId, runId: 7, checkpoint: 'best', scoreThreshold: 0.4, output, overwrite: false, tiles: null },
      paths: [join(folder, 'photos'), '/p/x.jpg'],
    });
    expect(stdout).toBe(`/p/a.jpg: sign × 2, car × 1\n/p/b.jpg: nothing\n${output}\n`);
    expect(stderr).toContain('Left out: /p/c.jpg: The file is empty.');
  });

  it('ends as its job ends, and refuses a confidence that is none', async () => {
    const failing: Partial<Handlers> = {
      'run.predict': async () => ({ ...sample.job, state: 'failed', error: { code: 'io', message: 'No room.' } }),
    };
    expect(await cli(['predict', '7', 'a.jpg', '-o', 'a.json'], { handlers: failing })).toBe(1);
    expect(stderr).toContain('No room.');
    expect(await cli(['predict', '7', 'a.jpg', '-o', 'a.json', '--confidence', '2'])).toBe(2);
    expect(await cli(['predict', '7', '-o', 'a.json'])).toBe(2);
  });
});

it('artifacts go into a folder that is counted up', async () => {
  const write = vi.fn<Handlers['run.artifacts']>(async () => ({
    folder: '/runs/detect/first2',
    leftOut: ['Mosaics of images: the pack is gone.'],
  }));
  expect(await cli(['artifacts', '7', '-o', '/runs'], { handlers: { 'run.artifacts': write } })).toBe(0);
  expect(write).toHaveBeenCalledWith({ projectId, runId: 7, folder: '/runs' });
  expect(stdout).toBe('/runs/detect/first2\nLeft out: Mosaics of images: the pack is gone.\n');
});
