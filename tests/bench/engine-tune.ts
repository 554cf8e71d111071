/**
 * Completes a tuner's file for a network of the engine bench, as the app does for a run. Arguments: the file, how many
 * threads, the network's id. Prints what that gained.
 */
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { buildExampleStep } from '../../src-main/engine/train/example-step.ts';
import { tuneStep } from '../../src-main/engine/train/time-steps.ts';
import { benchNetworks, planStep } from './engine-networks.ts';

const [file, threads, id] = process.argv.slice(2) as [string, string, string];
const net = benchNetworks.find((candidate) => candidate.id === id)!;
const [batchSize, , height, width] = net.input;
const { plan } = planStep(net);
const step = buildExampleStep({ name: id, label: net.label, batchSize, size: [height, width], plan: () => plan });
const outcome = await tuneStep(new OnnxRuntime(), step, {
  device: 'cpu',
  threads: Number(threads),
  precision: 'float32',
  file,
  report: () => undefined,
});
console.log(JSON.stringify(outcome));
