/**
 * One part of `npm run gpu:check` on one device, in a process that a broken driver may take down: `child.ts DEVICE probe |
 * operators | networks | speed [--quick] [--only=NETWORK]`. Prints one JSON line a row as soon as it has it.
 */
import { toErrorData } from '../../src-main/contract/errors.ts';
import { halfPrecisionDevices, type Device } from '../../src-main/contract/model/run.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import { probeDevice } from '../../src-main/engine/runtime/probe.ts';
import {
  checkParity,
  parityTolerance,
  perSecond,
  relativeError,
  stepsWork,
} from '../../src-main/engine/train/device-check.ts';
import { openGraph } from '../../src-main/engine/train/open-graph.ts';
import { exampleNetworks, type ExampleNetwork } from '../../src-main/engine/train/example-step.ts';
import { tensor } from '../../src-main/engine/graph/types.ts';
import { buildCase, caseFeeds, gradientName, opCases, outputName, type OpCase } from '../helpers/engine-cases.ts';
import { quickNetworks, type Part, type Row } from './rows.ts';

const [device, part, ...flags] = process.argv.slice(2) as [Device, Part, ...string[]];
const quick = flags.includes('--quick');
const only = flags.find((flag) => flag.startsWith('--only='))?.slice('--only='.length);
const precisions = halfPrecisionDevices.has(device) ? (['float32', 'mixed'] as const) : (['float32'] as const);
const runtime = new OnnxRuntime();
const tell = (row: Row): void => void process.stdout.write(`${JSON.stringify(row)}\n`);
const wordsOf = (error: unknown): string => {
  const { message, context } = toErrorData(error);
  return String(context['providerError'] ?? message).replaceAll('\n', ' ');
};

const parts: Record<Part, () => Promise<void>> = {
  probe: async () => {
    const { works, error } = await probeDevice(runtime, device);
    tell({ name: device, error: null, value: null, note: works ? null : (error ?? 'It does not work.') });
  },
  operators: async () => {
    for (const opType of new Set(opCases.map((testCase) => testCase.opType))) {
      const cases = opCases.filter((testCase) => testCase.opType === opType);
      tell(await checkOperator(opType, quick ? cases.slice(0, 2) : cases));
    }
  },
  networks: async () => {
    for (const network of chosenNetworks()) {
      const side = Math.min(64, network.size[0]);
      // Over two images batch norm leaves hardly any gradient, only rounding.
      const shape = { batchSize: Math.min(16, network.batchSize), size: [side, side] as const };
      for (const inARow of [undefined, 2]) {
        for (const precision of precisions) {
          const row = await checkParity(runtime, device, network, { ...shape, inARow }, precision);
          const { name, error, passed, note } = row;
          const isOptional = precision === 'mixed';
          tell({ name, error, value: null, note: note ?? (passed ? null : 'differs from the CPU'), isOptional });
        }
      }
    }
  },
  speed: async () => {
    for (const network of chosenNetworks()) {
      for (const precision of precisions) {
        const isOptional = precision === 'mixed';
        const row = { name: isOptional ? `${network.name}, mixed` : network.name, error: null, isOptional };
        try {
          tell({ ...row, value: await perSecond(runtime, device, stepsWork(network, precision)), note: null });
        } catch (error) {
          tell({ ...row, value: null, note: wordsOf(error) });
        }
      }
    }
  },
};

const chosenNetworks = (): readonly ExampleNetwork[] =>
  exampleNetworks.filter(({ name }) => (only === undefined ? !quick || quickNetworks.includes(name) : name === only));

/** Outputs and gradients of the cases against PyTorch's in double precision; the worst counts. */
async function checkOperator(opType: string, cases: readonly OpCase[]): Promise<Row> {
  let worst = 0;
  let isRight = true;
  for (const testCase of cases) {
    try {
      const { graph } = buildCase(testCase, true);
      const session = await openGraph(runtime, graph, { device, threads: 0 });
      try {
        const results = await session.run(caseFeeds(testCase, true));
        const { outputs, inputs, torch32 } = testCase;
        // Where single precision cannot do better, PyTorch's own error is the measure.
        const compare = (name: string, shape: readonly number[], data: readonly number[], torchError = 0): void => {
          const error = relativeError(results[name], tensor('float64', shape, data));
          worst = Math.max(worst, error);
          isRight &&= error <= Math.max(parityTolerance[device], 3 * torchError);
        };
        outputs.forEach(({ shape, data }, i) => compare(outputName(i), shape, data, torch32.outputs[i]));
        let wanted = 0;
        inputs.forEach((input, i) => {
          if (input?.gradient) compare(gradientName(i), input.shape, input.gradient, torch32.gradients[wanted++]);
        });
      } finally {
        await session.release();
      }
    } catch (error) {
      return { name: opType, error: null, value: null, note: `${testCase.name}: ${wordsOf(error)}` };
    }
  }
  return { name: opType, error: worst, value: null, note: isRight ? null : 'differs from PyTorch' };
}

await parts[part]();
