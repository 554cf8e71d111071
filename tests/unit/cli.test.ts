/** The command line as a whole: help, errors, devices, weights. */
import { sample } from '../helpers/fake-backend.ts';
import { describe, expect, it, vi } from 'vitest';
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { Job } from '../../src-main/contract/model/job.ts';
import { runCli } from '../../src-main/hosts/cli/program.ts';
import { createFakeBackend } from '../helpers/fake-backend.ts';
import { backend, cli, requestsOf, stderr, stdout, tasks, trainers, published } from '../helpers/cli-session.ts';

describe('the command itself', () => {
  it('opens no backend for help, for the version and for a wrong command', async () => {
    for (const [args, exitCode] of [
      [['--help'], 0],
      [['--version'], 0],
      [['destroy'], 2],
      [['train', '--colour', 'red'], 2],
    ] as const) {
      const open = vi.fn(() => createFakeBackend());
      const io = {
        stdout: { write: () => {} },
        stderr: { write: () => {} },
        cwd: '/',
        onInterrupt: () => () => {},
        abort: () => {},
      };
      expect(
        await runCli(args, io, { openBackend: open, launchTask: tasks.launch, launchTrainer: trainers.launch }),
        args.join(' '),
      ).toBe(exitCode);
      expect(open).not.toHaveBeenCalled();
    }
  });

  it('closes the backend also after an error, and prints the error in one line', async () => {
    const handlers = { 'run.list': () => Promise.reject(new FoveaError('io', 'The disk is full.')) };
    expect(await cli(['runs'], { handlers })).toBe(1);
    expect(stderr).toBe('fovea: The disk is full.\n');
    expect(backend.closed).toBe(true);
  });
});

it('lists the devices, and what to install for those that do not work', async () => {
  const handlers: Partial<Handlers> = {
    'device.list': async () => [
      { id: 'cpu', label: 'CPU', available: true, probed: true, reason: null, providerError: null },
      {
        id: 'webgpu',
        label: 'GPU',
        available: false,
        probed: true,
        reason: 'Install it.',
        providerError: 'No adapter',
      },
    ],
  };
  expect(await cli(['devices'], { handlers })).toBe(0);
  expect(requestsOf('device.list')).toEqual([{ probe: true }]);
  expect(stdout).toMatch(/cpu +CPU +works/);
  expect(stdout).toContain('webgpu: Install it.\n  It says: No adapter\n');
});

describe('weights', () => {
  it('are listed with their licences', async () => {
    expect(await cli(['weights', 'list'], { handlers: { 'weights.catalogue': async () => [published] } })).toBe(0);
    expect(stdout).toMatch(/ours +Our weights +us +2 MB +AGPL-3\.0/);
  });

  it('are downloaded after what follows from their licence was said', async () => {
    const here = { ...published, path: '/weights/ours.pth' };
    const done: Job = { ...sample.job, state: 'done' };
    const handlers: Partial<Handlers> = {
      'weights.catalogue': async () => [here],
      'weights.download': async () => done,
      'job.list': async () => [done],
    };
    expect(await cli(['weights', 'download', 'ours'], { handlers })).toBe(0);
    expect(stderr).toContain('Our weights by us, 2 MB, AGPL-3.0.\nWhat follows from it.\n');
    expect(stdout).toBe('/weights/ours.pth\n');
    expect(await cli(['weights', 'download', 'theirs'], { handlers })).toBe(1);
    expect(stderr).toContain('There are no weights "theirs" in the catalogue.');
  });

  it('are looked into', async () => {
    expect(await cli(['weights', 'inspect', '/models/net.pth'])).toBe(0);
    expect(requestsOf('weights.inspect')).toEqual([{ path: '/models/net.pth' }]);
    expect(stdout).toContain('1 tensors with 450 numbers');
    expect(stdout).toMatch(/conv1\.weight +float32 +6 × 3 × 5 × 5/);
  });
});
