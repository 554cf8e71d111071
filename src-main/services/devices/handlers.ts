/** The calls about devices. */
import type { Handlers } from '../../contract/ipc.ts';
import type { ServiceContext } from '../context.ts';
import { DeviceChecks } from './checks.ts';
import { recommendDevice } from './recommend.ts';

type DeviceCalls = Extract<keyof Handlers, `device.${string}`>;

export interface DeviceServices {
  handlers: Pick<Handlers, DeviceCalls>;
  /** Ends a check in progress. */
  close(): Promise<void>;
}

export function createDeviceHandlers({ ports, emit, devices }: ServiceContext): DeviceServices {
  const checks = new DeviceChecks(ports, emit);
  return {
    handlers: {
      'device.list': async ({ probe }) => (probe ? devices.probe() : devices.known()),
      'device.check': async ({ device }) => checks.start(device),
      'device.cancelCheck': async () => {
        await checks.cancel();
        return {};
      },
      'device.checks': async () => {
        const list = await checks.list();
        return { checks: list, ...recommendDevice(devices.known(), list) };
      },
    },
    close: () => checks.cancel(),
  };
}
