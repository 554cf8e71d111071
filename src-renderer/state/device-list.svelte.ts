/** The devices of this machine, what is known of each, its last check and the check in progress. */
import type { Api } from '../api/client.svelte.ts';
import type { DeviceCheck, DeviceChecks, DeviceInfo } from '../../src-main/contract/model/device.ts';
import type { Device } from '../../src-main/contract/model/run.ts';

export class DeviceList {
  readonly #api: Api;
  /** Empty until the first answer. */
  all = $state.raw<readonly DeviceInfo[]>([]);
  /** A session is being made on each device. */
  probing = $state(false);
  checks = $state.raw<readonly DeviceCheck[]>([]);
  /** Null until it is known. */
  recommendation = $state.raw<Pick<DeviceChecks, 'recommended' | 'why'> | null>(null);
  readonly running = $derived(this.checks.find((check) => check.state === 'running') ?? null);

  constructor(api: Api) {
    this.#api = api;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    const readAgain = (): void => void this.readChecks().catch(() => {});
    const stopEvents = this.#api.on('device.checkChanged', (check) => {
      this.#take(check);
      if (check.state !== 'running') readAgain();
    });
    const stopReconnect = this.#api.onReconnected(readAgain);
    return () => {
      stopEvents();
      stopReconnect();
    };
  }

  byId(id: Device): DeviceInfo | undefined {
    return this.all.find((device) => device.id === id);
  }

  checkOf(id: Device): DeviceCheck | undefined {
    return this.checks.find((check) => check.device === id);
  }

  /** What is known without trying anything. */
  async read(): Promise<void> {
    this.all = await this.#api.call('device.list', { probe: false });
  }

  async readChecks(): Promise<void> {
    const { checks, ...recommendation } = await this.#api.call('device.checks', {});
    this.checks = checks;
    this.recommendation = recommendation;
  }

  /** Tries every device for real. */
  async probe(): Promise<void> {
    if (this.probing) return;
    this.probing = true;
    try {
      this.all = await this.#api.call('device.list', { probe: true });
    } finally {
      this.probing = false;
    }
    await this.readChecks();
  }

  /** Its progress and its end come as events. */
  async check(id: Device): Promise<void> {
    await this.#api.call('device.check', { device: id });
  }

  async cancelCheck(): Promise<void> {
    await this.#api.call('device.cancelCheck', {});
  }

  #take(check: DeviceCheck): void {
    this.checks = [...this.checks.filter((other) => other.device !== check.device), check];
  }
}
