/** Devices, a check and memory estimates as they could be, for screens that are looked at without them. */
import type { DeviceCheck, DeviceInfo, MemoryEstimate } from '../../src-main/contract/model/device.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';

const ready = { available: true, probed: true, reason: null, providerError: null } as const;

export const previewDevices: DeviceInfo[] = [
  { id: 'cpu', label: 'CPU (AMD EPYC 9B14, 2 cores)', ...ready },
  {
    id: 'cuda',
    label: 'NVIDIA GPU (CUDA)',
    available: false,
    probed: true,
    reason: 'It is installed but does not start. Install CUDA 12 and cuDNN 9, then run `npm run setup:cuda`.',
    providerError:
      'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library libonnxruntime_providers_cuda.so: libcudnn.so.9: cannot open shared object file: No such file or directory',
  },
  { id: 'webgpu', label: 'GPU (WebGPU over Vulkan)', ...ready },
  {
    id: 'dml',
    label: 'GPU (DirectML)',
    available: false,
    probed: true,
    reason: 'DirectML is a part of Windows.',
    providerError: null,
  },
];

export const previewCheck: DeviceCheck = {
  device: 'webgpu',
  state: 'done',
  step: 'Done',
  done: 14,
  total: 14,
  report: {
    checkedAt: '2026-03-02T11:30:00.000Z',
    runtime: 'onnxruntime 1.30.0',
    parity: [
      { name: 'Conv 3×3, gradients', error: 3.2e-7, tolerance: 1e-4, passed: true, note: null },
      { name: 'Linear, gradients', error: 1.1e-7, tolerance: 1e-4, passed: true, note: null },
      { name: 'Batch norm, gradients', error: 8.4e-6, tolerance: 1e-4, passed: true, note: null },
      { name: 'LeNet-5, one training step', error: 4.9e-6, tolerance: 1e-3, passed: true, note: null },
    ],
    speed: [
      { name: 'LeNet-5, training', unit: 'images/s', value: 3120, cpuValue: 7240 },
      { name: 'MatMul 1024', unit: 'GFLOP/s', value: 2210, cpuValue: 402 },
    ],
    verdict: 'slow',
    advice: 'Its numbers are right, but LeNet-5 is so small that the CPU trains it faster. Try it for larger networks.',
  },
  error: null,
};

/** Grows with the micro-batch: on 8 GB it does not fit from 5,600 images on. */
export function previewEstimate({ batchSize, accumulation }: RunConfig): MemoryEstimate {
  const machineBytes = 8e9;
  const needOf = (images: number) => 310e6 + images * 1.1e6;
  const peakBytes = needOf(batchSize);
  const fits = peakBytes < machineBytes * 0.8;
  const smaller = { batchSize: 4096, accumulation: Math.ceil((batchSize * accumulation) / 4096) };
  const needs = `About ${inWords(peakBytes)} at its peak`;
  const has = `this machine has ${inWords(machineBytes)}`;
  return {
    peakBytes,
    machineBytes,
    freeBytes: 5.1e9,
    fits,
    parts: [
      { label: 'Images', bytes: 184e6 },
      { label: 'Activations and gradients', bytes: peakBytes - 310e6 },
      { label: 'Runtime', bytes: 126e6 },
    ],
    suggestion: fits
      ? null
      : {
          ...smaller,
          peakBytes: needOf(smaller.batchSize),
          sentence: `Train with ${smaller.batchSize} images at a time and ${smaller.accumulation} such steps for each update of the weights: about ${inWords(needOf(smaller.batchSize))}.`,
        },
    summary: fits ? `${needs}; ${has}.` : `${needs}, which is more than this machine can give: ${has}.`,
  };
}

function inWords(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
