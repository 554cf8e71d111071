/**
 * Which devices a run can train on here: at once from the files, and for certain after a child process has made a
 * session on each. What was found is kept until somebody asks for a new look.
 */
import type { DeviceInfo } from '../../contract/model/device.ts';
import type { Device } from '../../contract/model/run.ts';
import type { DeviceProbe } from '../../engine/runtime/probe.ts';
import type { HostPorts } from '../backend.ts';
import { describeDevices, offeredDevices } from './describe.ts';
import { thisMachine, type Machine } from './machine.ts';
import { runTask } from './run-task.ts';

const probeDeadlineMs = 60_000;

export class DeviceCatalogue {
  readonly machine: Machine;
  #launchTask: HostPorts['launchTask'];
  #probes = new Map<Device, DeviceProbe>();
  #probing: Promise<void> | null = null;

  constructor({ launchTask }: Pick<HostPorts, 'launchTask'>, machine: Machine = thisMachine()) {
    this.#launchTask = launchTask;
    this.machine = machine;
  }

  /** What is known now. */
  known(): DeviceInfo[] {
    return describeDevices(this.machine, this.#probes);
  }

  /** Looks again, each device in a process of its own: one that takes its process down says nothing about the others. */
  async probe(): Promise<DeviceInfo[]> {
    this.#probing ??= this.#probeAll().finally(() => (this.#probing = null));
    await this.#probing;
    return this.known();
  }

  /** As known, where `device` has been looked at; else after a look. The CPU needs none. */
  async certainOf(device: Device): Promise<DeviceInfo[]> {
    return device === 'cpu' || this.#probes.has(device) ? this.known() : this.probe();
  }

  async #probeAll(): Promise<void> {
    const found = await Promise.all(offeredDevices(this.machine).map((device) => this.#probeOne(device)));
    for (const probe of found) this.#probes.set(probe.device, probe);
  }

  async #probeOne(device: Device): Promise<DeviceProbe> {
    try {
      const task = { name: 'probe-device', request: { device } } as const;
      return await runTask(() => this.#launchTask(), task, { deadlineMs: probeDeadlineMs });
    } catch (error) {
      return { device, works: false, error: error instanceof Error ? error.message : String(error) };
    }
  }
}
