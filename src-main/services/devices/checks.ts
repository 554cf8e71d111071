/**
 * Checks of devices: one at a time, each in a child process that can be ended at any moment. The last check of each
 * device is kept in the settings folder.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import type { Emit } from '../../contract/ipc.ts';
import { FoveaError, toErrorData } from '../../contract/errors.ts';
import { deviceCheck, type DeviceCheck, type DeviceReport } from '../../contract/model/device.ts';
import type { Device } from '../../contract/model/run.ts';
import type { HostPorts } from '../backend.ts';
import { JsonFile } from '../json-file.ts';
import { runTask } from './run-task.ts';

const checkDeadlineMs = 10 * 60_000;
const storedChecks = v.object({ checks: v.array(deviceCheck) });

export class DeviceChecks {
  #ports: Pick<HostPorts, 'launchTask'>;
  #emit: Emit;
  #stored: JsonFile<v.InferOutput<typeof storedChecks>>;
  #running: { check: DeviceCheck; abort: AbortController; ended: Promise<void> } | null = null;

  constructor(ports: Pick<HostPorts, 'launchTask' | 'userDataFolder'>, emit: Emit) {
    this.#ports = ports;
    this.#emit = emit;
    this.#stored = new JsonFile(join(ports.userDataFolder, 'device-checks.json'), storedChecks, () => ({ checks: [] }));
  }

  start(device: Device): DeviceCheck {
    if (this.#running !== null) {
      throw new FoveaError('busy', 'A device is being checked. Wait for it or cancel it first.', {
        device: this.#running.check.device,
      });
    }
    const check: DeviceCheck = {
      device,
      state: 'running',
      step: 'Starting',
      done: 0,
      total: 1,
      report: null,
      error: null,
    };
    const running = { check, abort: new AbortController(), ended: Promise.resolve() };
    this.#running = running;
    this.#emit('device.checkChanged', check);
    running.ended = this.#follow(device, running.abort.signal);
    return check;
  }

  async cancel(): Promise<void> {
    const running = this.#running;
    running?.abort.abort();
    await running?.ended;
  }

  /** The one in progress stands for its device. */
  async list(): Promise<DeviceCheck[]> {
    const { checks } = await this.#stored.get();
    const current = this.#running?.check;
    return current ? [current, ...checks.filter(({ device }) => device !== current.device)] : checks;
  }

  async #follow(device: Device, signal: AbortSignal): Promise<void> {
    let end: Partial<DeviceCheck>;
    try {
      const report: DeviceReport = await runTask(
        () => this.#ports.launchTask(),
        { name: 'check-device', request: { device } },
        { deadlineMs: checkDeadlineMs, signal, onProgress: (progress) => this.#change(progress) },
      );
      end = { state: 'done', step: 'Done', report };
    } catch (error) {
      const { code, message } = toErrorData(error);
      end =
        code === 'cancelled'
          ? { state: 'cancelled', step: 'Cancelled' }
          : { state: 'failed', step: 'Failed', error: message };
    }
    const check = this.#change(end);
    // A cancelled check says nothing, so the one before it stays.
    if (check !== null && check.state !== 'cancelled') await this.#keep(check);
    this.#running = null;
    if (check !== null) this.#emit('device.checkChanged', check);
  }

  #change(changes: Partial<DeviceCheck>): DeviceCheck | null {
    if (this.#running === null) return null;
    this.#running.check = { ...this.#running.check, ...changes };
    const { check } = this.#running;
    if (check.state === 'running') this.#emit('device.checkChanged', check);
    return check;
  }

  async #keep(check: DeviceCheck): Promise<void> {
    try {
      await this.#stored.update(({ checks }) => ({
        checks: [...checks.filter(({ device }) => device !== check.device), check],
      }));
    } catch (error) {
      // The check itself is good; only the next start of the app will not know it.
      console.error(`The check of ${check.device} could not be stored: ${toErrorData(error).message}`);
    }
  }
}
