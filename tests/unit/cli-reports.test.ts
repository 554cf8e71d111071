/** The command line: what is said of runs, and how they compare. */
import { describe, expect, it } from 'vitest';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { RunId } from '../../src-main/contract/model/ids.ts';
import { sample } from '../helpers/fake-backend.ts';
import { cli, projectId, requestsOf, stderr, stdout } from '../helpers/cli-session.ts';

describe('reports', () => {
  it('lists runs', async () => {
    expect(await cli(['runs'])).toBe(0);
    const [header, row] = stdout.split('\n');
    expect(header?.split(/ {2,}/)).toEqual([
      'id',
      'run',
      'status',
      'model',
      'data set',
      'epochs',
      'metric',
      'last',
      'best',
      'time',
    ]);
    expect(row?.trim().split(/ {2,}/)).toEqual([
      '7',
      'first',
      'finished',
      'lenet5',
      'Tiny',
      '3/3',
      'Test accuracy',
      '0.6000',
      '0.6125',
      '1 min',
    ]);
  });

  it('evaluates a run: metrics, wrong images, confusion by class name', async () => {
    expect(await cli(['evaluate', '7'])).toBe(0);
    expect(stdout).toMatch(/Test accuracy +0\.6000 +0\.6125 +2\n/);
    expect(stdout).toContain('Epoch 3: 8 of 20 images are wrong.');
    expect(stdout).toMatch(/cat +7 +3 +0\.700\ndog +5 +5 +0\.500\n/);
    await cli(['evaluate', 'first', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      epoch: 3,
      images: 20,
      wrong: 8,
      confusion: {
        counts: [
          [7, 3],
          [5, 5],
        ],
      },
    });
  });

  it('shows no recall for a class without images', async () => {
    const confusion = {
      classes: [
        { name: 'cat', categoryId: null },
        { name: 'dog', categoryId: null },
      ],
      unit: 'images' as const,
      counts: [
        [0, 0],
        [0, 4],
      ],
    };
    await cli(['evaluate', '7'], { handlers: { 'run.confusion': async () => confusion } });
    expect(stdout).toMatch(/cat +0 +0 +–\ndog +0 +4 +1\.000\n/);
  });

  it('compares runs with the difference from the first', async () => {
    const second = { ...sample.run, runId: 8 as RunId, name: 'second' };
    expect(await cli(['compare', 'first', '8'], { handlers: { 'run.list': async () => [sample.run, second] } })).toBe(
      0,
    );
    expect(requestsOf('run.compare')).toEqual([{ projectId, runIds: [7, 8] }]);
    expect(stdout).toMatch(/Test accuracy, final +0\.6000 +0\.6500 +\+0\.05000\n/);
    expect(stdout).toMatch(/Batch norm +off +on\n/);
    expect(await cli(['compare', 'first'])).toBe(2);
  });

  it.each([
    ['9', 1, 'There is no run "9" in this project. There are: 7 first.'],
    ['same', 2, 'Several runs are named "same". Give the number: 1, 2.'],
  ])('says which run "%s" could be', async (wanted, exitCode, message) => {
    const same = [1, 2].map((id) => ({ ...sample.run, runId: id as RunId, name: 'same' }));
    const handlers: Partial<Handlers> = wanted === 'same' ? { 'run.list': async () => same } : {};
    expect(await cli(['evaluate', wanted], { handlers })).toBe(exitCode);
    expect(stderr).toContain(message);
  });
});
