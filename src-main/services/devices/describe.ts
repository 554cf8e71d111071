/**
 * Devices in plain words: what each one is, why it cannot be used here, and what to install. Pure: a machine and what
 * the probes found go in.
 */
import type { DeviceInfo } from '../../contract/model/device.ts';
import type { Device } from '../../contract/model/run.ts';
import type { DeviceProbe } from '../../engine/runtime/probe.ts';
import type { Machine } from './machine.ts';

interface DeviceWords {
  label(machine: Machine): string;
  /** Why onnxruntime has nothing for it on this platform; null where it has. */
  notOffered(machine: Machine): string | null;
  /** Why it cannot work here, seen from the files alone, and what would mend it; null where nothing stands against it. */
  obstacle(machine: Machine): string | null;
  /** What to install or try where a session could not be made although nothing seemed to stand against it. */
  mend(machine: Machine, error: string): string;
}

const words: Readonly<Record<Device, DeviceWords>> = {
  cpu: {
    label: ({ processor, coreCount }) => `CPU (${processor}, ${coreCount} ${coreCount === 1 ? 'core' : 'cores'})`,
    notOffered: () => null,
    obstacle: () => null,
    mend: () => 'Install the npm packages again: npm install.',
  },
  cuda: {
    label: () => 'NVIDIA GPU (CUDA)',
    notOffered: ({ platform, architecture }) =>
      platform === 'linux' && architecture === 'x64' ? null : 'Training on an NVIDIA GPU needs Linux on x64.',
    obstacle: ({ hasNvidiaDriver, hasCudaLibraries }) => {
      if (!hasNvidiaDriver) return 'No NVIDIA driver was found. Install it, then run `npm run setup:cuda`.';
      if (!hasCudaLibraries) return 'The CUDA libraries are not installed. Run `npm run setup:cuda`.';
      return null;
    },
    mend: (_, error) =>
      /out of memory/i.test(error)
        ? 'Another program uses the memory of the GPU. Close it and try again.'
        : 'Install CUDA 12 and cuDNN 9 (https://developer.nvidia.com/cudnn), then run `npm run setup:cuda`, which names what is missing.',
  },
  webgpu: {
    label: ({ platform }) => `GPU (WebGPU over ${graphicsLayer(platform)})`,
    notOffered: ({ platform, architecture }) =>
      webGpuPlatforms.includes(`${platform}-${architecture}`)
        ? null
        : 'onnxruntime offers WebGPU for Windows, for macOS on Apple silicon and for Linux on x64 only.',
    obstacle: ({ platform, hasGraphicsDevice }) =>
      platform === 'linux' && !hasGraphicsDevice
        ? 'No GPU with a driver was found. Install the driver of the GPU and the Vulkan library (Debian, Ubuntu: libvulkan1 and mesa-vulkan-drivers).'
        : null,
    mend: ({ platform }) =>
      platform === 'linux'
        ? 'Install the Vulkan library and the Vulkan driver of the GPU (Debian, Ubuntu: libvulkan1, and mesa-vulkan-drivers for AMD and Intel or the NVIDIA driver).'
        : 'Update the driver of the GPU.',
  },
  dml: {
    label: () => 'GPU (DirectML)',
    notOffered: ({ platform }) => (platform === 'win32' ? null : 'DirectML is a part of Windows.'),
    obstacle: () => null,
    mend: () => 'Update Windows and the driver of the GPU; DirectML needs DirectX 12.',
  },
  coreml: {
    label: () => 'Apple GPU and Neural Engine (Core ML)',
    notOffered: ({ platform }) => (platform === 'darwin' ? null : 'Core ML is a part of macOS.'),
    obstacle: () => null,
    mend: () => 'Update macOS; Core ML as it is used here needs macOS 12 or later.',
  },
};
const deviceIds = Object.keys(words) as Device[];
const webGpuPlatforms = ['win32-x64', 'win32-arm64', 'linux-x64', 'darwin-arm64'];

const graphicsLayer = (platform: string): string => ({ win32: 'Direct3D 12', darwin: 'Metal' })[platform] ?? 'Vulkan';

/** In a fixed order, the CPU first. A device without a probe is described by what the files suggest. */
export function describeDevices(machine: Machine, probes: ReadonlyMap<Device, DeviceProbe>): DeviceInfo[] {
  return deviceIds.map((id) => describeDevice(id, machine, probes.get(id)));
}

function describeDevice(id: Device, machine: Machine, probe: DeviceProbe | undefined): DeviceInfo {
  const { label, notOffered, obstacle, mend } = words[id];
  const named = { id, label: label(machine) };
  const never = notOffered(machine);
  if (never !== null) return { ...named, available: false, probed: true, reason: never, providerError: null };
  const inTheWay = obstacle(machine);
  if (probe === undefined) {
    return { ...named, available: inTheWay === null, probed: false, reason: inTheWay, providerError: null };
  }
  if (probe.works) return { ...named, available: true, probed: true, reason: null, providerError: null };
  const reason = inTheWay ?? `It is installed but does not start. ${mend(machine, probe.error ?? '')}`;
  return { ...named, available: false, probed: true, reason, providerError: probe.error };
}

/** Those that onnxruntime has something for on this platform. */
export const offeredDevices = (machine: Machine): Device[] =>
  deviceIds.filter((id) => words[id].notOffered(machine) === null);
