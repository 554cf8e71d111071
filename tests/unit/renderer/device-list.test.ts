import { describe, expect, it } from 'vitest';
import type { DeviceCheck, DeviceInfo } from '../../../src-main/contract/model/device.ts';
import { DeviceList } from '../../../src-renderer/state/device-list.svelte.ts';
import { createFakeBackend } from '../../helpers/fake-backend.ts';
import { previewCheck, previewDevices } from '../../helpers/preview-devices.ts';
import { createFakeApi } from './fake-api.ts';

const running: DeviceCheck = { ...previewCheck, state: 'running', step: 'Comparing', done: 3, report: null };
const guess = (device: DeviceInfo): DeviceInfo => ({ ...device, probed: false });

function open() {
  let checks: DeviceCheck[] = [];
  const backend = createFakeBackend({
    'device.list': async ({ probe }) => (probe ? previewDevices : previewDevices.map(guess)),
    'device.checks': async () => ({ checks, recommended: 'webgpu', why: 'It is faster.' }),
    'device.check': async () => running,
  });
  const list = new DeviceList(createFakeApi(backend));
  const stop = list.follow();
  return { list, backend, stop, keep: (kept: DeviceCheck[]) => (checks = kept) };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('the devices of the machine', () => {
  it('are guessed at first and tried on request, once at a time', async () => {
    const { list, backend } = open();
    await list.read();
    expect(list.byId('webgpu')?.probed).toBe(false);
    const probing = list.probe();
    expect(list.probing).toBe(true);
    await list.probe();
    await probing;
    expect(list.probing).toBe(false);
    expect(list.byId('webgpu')?.probed).toBe(true);
    expect(list.recommendation?.recommended).toBe('webgpu');
    expect(backend.requests.filter(({ name }) => name === 'device.list')).toHaveLength(2);
  });

  it('are checked one at a time, with progress, until the result and a new recommendation are there', async () => {
    const { list, backend, keep } = open();
    await list.check('webgpu');
    backend.emit('device.checkChanged', running);
    backend.emit('device.checkChanged', { ...running, done: 4 });
    expect(list.running?.done).toBe(4);
    keep([previewCheck]);
    backend.emit('device.checkChanged', previewCheck);
    await settle();
    expect(list.running).toBeNull();
    expect(list.checkOf('webgpu')?.report?.verdict).toBe('slow');
    expect(list.recommendation?.why).toBe('It is faster.');
  });

  it('show the check before a cancelled one again', async () => {
    const { list, backend, keep } = open();
    keep([previewCheck]);
    backend.emit('device.checkChanged', running);
    backend.emit('device.checkChanged', { ...running, state: 'cancelled' });
    await settle();
    expect(list.checkOf('webgpu')?.state).toBe('done');
  });

  it('are no longer followed after the end', () => {
    const { list, backend, stop } = open();
    stop();
    backend.emit('device.checkChanged', running);
    expect(list.running).toBeNull();
  });
});
