/** Devices: what is said of them before and after a look, checks of one, and the one that is recommended. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DeviceCheck, DeviceReport } from '../../src-main/contract/model/device.ts';
import type { Device } from '../../src-main/contract/model/run.ts';
import type { DeviceProbe } from '../../src-main/engine/runtime/probe.ts';
import { nodePorts } from '../../src-main/hosts/node-process.ts';
import { DeviceCatalogue } from '../../src-main/services/devices/catalogue.ts';
import { DeviceChecks } from '../../src-main/services/devices/checks.ts';
import { describeDevices } from '../../src-main/services/devices/describe.ts';
import { thisMachine, type Machine } from '../../src-main/services/devices/machine.ts';
import { recommendDevice } from '../../src-main/services/devices/recommend.ts';
import { runTask } from '../../src-main/services/devices/run-task.ts';
import { fakeTasks, gpuBox, type FakeTasks } from '../helpers/devices.ts';
import { temporaryFolder } from '../helpers/service-fixture.ts';

const described = (machine: Machine, id: Device, probe?: Omit<DeviceProbe, 'device'>) =>
  describeDevices(machine, new Map(probe ? [[id, { device: id, ...probe }]] : [])).find((device) => device.id === id)!;

describe('before anything was tried', () => {
  test('devices are named, and what the files say against them is told', () => {
    expect(describeDevices(gpuBox, new Map()).map(({ id, label, available }) => [id, label, available])).toEqual([
      ['cpu', 'CPU (Fast CPU, 8 cores)', true],
      ['cuda', 'NVIDIA GPU (CUDA)', true],
      ['webgpu', 'GPU (WebGPU over Vulkan)', true],
      ['dml', 'GPU (DirectML)', false],
      ['coreml', 'Apple GPU and Neural Engine (Core ML)', false],
    ]);
    const reason = (id: Device, change: Partial<Machine>) => described({ ...gpuBox, ...change }, id).reason;
    expect(reason('cuda', { platform: 'darwin' })).toBe('Training on an NVIDIA GPU needs Linux on x64.');
    expect(reason('cuda', { hasNvidiaDriver: false })).toBe(
      'No NVIDIA driver was found. Install it, then run `npm run setup:cuda`.',
    );
    expect(reason('cuda', { hasCudaLibraries: false })).toBe(
      'The CUDA libraries are not installed. Run `npm run setup:cuda`.',
    );
    expect(reason('webgpu', { hasGraphicsDevice: false })).toContain('libvulkan1');
    expect(reason('webgpu', { architecture: 'arm64' })).toContain('for Linux on x64 only');
    expect(reason('dml', { platform: 'win32' })).toBeNull();
    expect(reason('coreml', { platform: 'darwin' })).toBeNull();
  });

  test('nobody claims to know more than the files', () => {
    expect(described(gpuBox, 'cuda')).toMatchObject({ available: true, probed: false });
    expect(described(gpuBox, 'dml')).toMatchObject({ available: false, probed: true });
  });

  test('this machine has a CPU', () => {
    expect(describeDevices(thisMachine(), new Map())[0]).toMatchObject({ id: 'cpu', available: true });
  });
});

describe('after a look', () => {
  test('a device that works is available whatever the files say', () => {
    const noDriver = { ...gpuBox, hasNvidiaDriver: false };
    expect(described(noDriver, 'cuda', { works: true, error: null })).toEqual({
      id: 'cuda',
      label: 'NVIDIA GPU (CUDA)',
      available: true,
      probed: true,
      reason: null,
      providerError: null,
    });
  });

  test('one that does not gives the provider’s own words and what to install', () => {
    const error = 'libcudnn.so.9: cannot open shared object file';
    const { available, reason, providerError } = described(gpuBox, 'cuda', { works: false, error });
    expect([available, providerError]).toEqual([false, error]);
    expect(reason).toMatch(/It is installed but does not start\. Install CUDA 12 and cuDNN 9 .* `npm run setup:cuda`/);
    expect(described(gpuBox, 'cuda', { works: false, error: 'CUDA failure 2: out of memory' }).reason).toContain(
      'Another program uses the memory of the GPU.',
    );
  });
});

const answering = (answers: Partial<Record<Device, DeviceProbe>>): FakeTasks =>
  fakeTasks((task, child) => {
    const device = task.name === 'probe-device' ? task.request.device : 'cpu';
    const answer = answers[device];
    if (answer) child.say({ kind: 'done', answer });
    child.exit(answer ? 0 : null, answer ? undefined : 'SIGSEGV');
  });

describe('the catalogue', () => {
  test('looks at each device that is offered here in a process of its own, so that one may crash', async () => {
    const tasks = answering({
      cpu: { device: 'cpu', works: true, error: null },
      webgpu: { device: 'webgpu', works: false, error: 'No supported adapters' },
    });
    const catalogue = new DeviceCatalogue({ launchTask: tasks.launch }, gpuBox);
    expect(catalogue.known().map(({ probed }) => probed)).toEqual([false, false, false, true, true]);
    const devices = await catalogue.probe();
    expect(tasks.started.map(({ request }) => (request as { device: Device }).device)).toEqual([
      'cpu',
      'cuda',
      'webgpu',
    ]);
    const errors = Object.fromEntries(devices.map(({ id, providerError }) => [id, providerError]));
    expect(errors).toMatchObject({
      cpu: null,
      cuda: 'The process crashed (SIGSEGV).',
      webgpu: 'No supported adapters',
      dml: null,
    });
    expect(catalogue.known()).toEqual(devices);
  });

  test('looks once for several askers, and not at all for the CPU', async () => {
    const tasks = answering({ cpu: { device: 'cpu', works: true, error: null } });
    const catalogue = new DeviceCatalogue({ launchTask: tasks.launch }, gpuBox);
    await catalogue.certainOf('cpu');
    expect(tasks.started).toEqual([]);
    await Promise.all([catalogue.probe(), catalogue.certainOf('cuda')]);
    await catalogue.certainOf('cuda');
    expect(tasks.started).toHaveLength(3);
  });
});

describe('a task in a child process', () => {
  const probe = { name: 'probe-device', request: { device: 'cpu' } } as const;

  test('that never answers is ended, and so is one that nobody wants any more', async () => {
    const tasks = fakeTasks(() => undefined);
    await expect(runTask(tasks.launch, probe, { deadlineMs: 20 })).rejects.toMatchObject({
      code: 'process-died',
      message: 'It gave no answer within 0.02 seconds.',
    });
    const abort = new AbortController();
    const running = runTask(tasks.launch, probe, { deadlineMs: 10_000, signal: abort.signal });
    await new Promise((resolve) => setTimeout(resolve, 10));
    abort.abort();
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(tasks.alive()).toBe(0);
  });

  test('that is killed for its memory says so', async () => {
    const tasks = fakeTasks((_, child) => child.exit(null, 'SIGKILL'));
    await expect(runTask(tasks.launch, probe, { deadlineMs: 10_000 })).rejects.toThrow(/memory runs out/);
  });
});

const report = (changes: Partial<DeviceReport> = {}): DeviceReport => ({
  checkedAt: '2026-01-02T03:04:05.000Z',
  runtime: 'onnxruntime 1.30.0',
  parity: [{ name: 'LeNet-5, one step', error: 1e-7, tolerance: 1e-3, passed: true, note: null }],
  speed: [{ name: 'LeNet-5', unit: 'images/s', value: 900, cpuValue: 300 }],
  verdict: 'good',
  advice: 'It is fast.',
  ...changes,
});

describe('a check', () => {
  const start = async (tasks: FakeTasks) => {
    const userDataFolder = await temporaryFolder();
    const told: DeviceCheck[] = [];
    const emit = (_: string, check: unknown): void => void told.push(check as DeviceCheck);
    const make = (): DeviceChecks => new DeviceChecks({ launchTask: tasks.launch, userDataFolder }, emit);
    return { checks: make(), make, told, userDataFolder };
  };
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  };

  test('tells how far it is, ends with its report, and is known at the next start', async () => {
    const tasks = fakeTasks((_, child) => {
      child.say({ kind: 'progress', step: 'comparing ReLU', done: 1, total: 3 });
      child.say({ kind: 'done', answer: report() });
      child.exit(0);
    });
    const { checks, make, told } = await start(tasks);
    expect(checks.start('webgpu')).toMatchObject({ device: 'webgpu', state: 'running', done: 0 });
    await until(() => told.at(-1)?.state === 'done');
    expect(told.map(({ state, step }) => [state, step])).toEqual([
      ['running', 'Starting'],
      ['running', 'comparing ReLU'],
      ['done', 'Done'],
    ]);
    expect(await make().list()).toEqual([told.at(-1)]);
    expect(told.at(-1)?.report).toEqual(report());
  });

  test('refuses a second one meanwhile, and keeps the one before where it is cancelled', async () => {
    let isSlow = false;
    const tasks = fakeTasks((_, child) => {
      if (isSlow) return;
      child.say({ kind: 'done', answer: report() });
      child.exit(0);
    });
    const { checks, told } = await start(tasks);
    checks.start('cuda');
    await until(() => told.at(-1)?.state === 'done');
    isSlow = true;
    checks.start('cuda');
    expect(() => checks.start('cpu')).toThrow('A device is being checked.');
    expect(await checks.list()).toMatchObject([{ device: 'cuda', state: 'running' }]);
    await until(() => tasks.started.length === 2);
    await checks.cancel();
    expect(told.at(-1)).toMatchObject({ state: 'cancelled', report: null });
    expect(tasks.alive()).toBe(0);
    expect(await checks.list()).toMatchObject([{ device: 'cuda', state: 'done' }]);
  });

  test('of a device that takes its process down fails in plain words, and is kept', async () => {
    const { checks, told, userDataFolder } = await start(fakeTasks((_, child) => child.exit(null, 'SIGSEGV')));
    checks.start('dml');
    await until(() => told.at(-1)?.state === 'failed');
    expect(told.at(-1)?.error).toBe('The process crashed (SIGSEGV).');
    expect(readFileSync(join(userDataFolder, 'device-checks.json'), 'utf8')).toContain('SIGSEGV');
  });
});

describe('the recommendation', () => {
  const devices = describeDevices(gpuBox, new Map());
  const done = (device: Device, changes: Partial<DeviceReport> = {}): DeviceCheck => ({
    device,
    state: 'done',
    step: 'Done',
    done: 1,
    total: 1,
    report: report(changes),
    error: null,
  });

  test('is the fastest device that is right', () => {
    const faster = [{ name: 'LeNet-5', unit: 'images/s', value: 1500, cpuValue: 300 } as const];
    expect(recommendDevice(devices, [done('webgpu'), done('cuda', { speed: faster })])).toEqual({
      recommended: 'cuda',
      why: 'NVIDIA GPU (CUDA) computes the same numbers as the CPU and trains 5.0 times as fast.',
    });
    expect(recommendDevice(devices, [done('webgpu'), done('cuda', { speed: faster, verdict: 'wrong' })])).toMatchObject(
      {
        recommended: 'webgpu',
      },
    );
  });

  test('is the CPU where nothing else is right and faster, and says what was not checked', () => {
    expect(recommendDevice(devices, [])).toEqual({
      recommended: 'cpu',
      why: 'Not checked yet: NVIDIA GPU (CUDA), GPU (WebGPU over Vulkan).',
    });
    expect(recommendDevice(devices, [done('webgpu', { verdict: 'slow' }), done('cuda', { verdict: 'wrong' })])).toEqual(
      {
        recommended: 'cpu',
        why: 'No other device here is both right and faster.',
      },
    );
    const alone = describeDevices({ ...gpuBox, hasNvidiaDriver: false, hasGraphicsDevice: false }, new Map());
    expect(recommendDevice(alone, []).why).toBe('It is the only device that works on this machine.');
  });
});

test('the real child process says that the CPU works', async () => {
  const task = { name: 'probe-device', request: { device: 'cpu' } } as const;
  const found = await runTask(nodePorts().launchTask, task, { deadlineMs: 60_000 });
  expect(found).toEqual({ device: 'cpu', works: true, error: null });
});
