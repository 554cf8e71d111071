/** The adapter to onnxruntime-node, and its only importer. */
import * as ort from 'onnxruntime-node';
import { writeModel } from '../graph/onnx-model.ts';
import {
  tensor,
  type DataType,
  type Graph,
  type Node,
  type Tensor,
  type TensorArray,
  type Value,
} from '../graph/types.ts';
import { whyCudaDoesNotLoad } from './cuda-libraries.ts';
import { runFailure, sessionFailure } from './failure.ts';
import type { Runtime, Session, SessionOptions } from './runtime.ts';

type OrtData = Exclude<ort.Tensor.DataType, string[]>;
type Provider = ort.InferenceSession.ExecutionProviderConfig;

function fromOrt(value: ort.Tensor): Tensor {
  return { dataType: value.type as DataType, shape: value.dims, data: value.data as TensorArray };
}

/**
 * What a provider does not know runs on the CPU, unasked. Naming the CPU as well would let a provider that is missing be
 * left out in silence.
 */
function providerFor({ device, cpuNodes = [] }: SessionOptions): Provider {
  // Convolutions as NHWC would be transposed around every node that is not one.
  if (device === 'webgpu') {
    return { name: device, preferredLayout: 'NCHW', ...(cpuNodes.length > 0 && { forceCpuNodeNames: cpuNodes }) };
  }
  // The Neural Engine computes in half precision, which is not enough for gradients.
  if (device === 'coreml') return { name: device, useCPUAndGPU: true };
  return device;
}

function sessionOptions(options: SessionOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [providerFor(options)],
    ...(options.threads > 0 ? { intraOpNumThreads: options.threads } : {}),
    executionMode: 'sequential',
    graphOptimizationLevel: options.unoptimised ? 'disabled' : 'all',
    // Memory patterns double the peak of a training step and do not make it faster; DirectML cannot work with them.
    enableMemPattern: false,
    enableCpuMemArena: !keepsMemory(options),
    // Errors are thrown too; printed they would only come twice.
    logSeverityLevel: 4,
    // Threads that sleep as soon as they wait make a step of thousands of nodes an eighth slower. Those that spin on and on
    // make it more than twice as slow on a busy machine, and the person's other work with it. The time between two nodes
    // is enough.
    extra: {
      session: { intra_op: { spin_duration_us: '50' }, force_spinning_stop: '1' },
      // It would undo passes/recompute.ts; what should be merged, passes/simplify.ts has merged.
      optimization: { disable_specified_optimizers: 'CommonSubexpressionElimination' },
    },
    // Only WebGPU lets results stay where they were made.
    ...(options.kept && options.device === 'webgpu' && { preferredOutputLocation: onDevice(options.kept) }),
    ...(options.profilePrefix ? { enableProfiling: true, profileFilePrefix: options.profilePrefix } : {}),
  };
}

/**
 * Whether the process's own allocator keeps what a step frees (processes/kept-memory.ts), as onnxruntime's arena would, but
 * fits blocks closer, and shares them with what lies outside of the runtime.
 */
const keepsMemory = ({ device }: SessionOptions): boolean =>
  device === 'cpu' && process.env['GLIBC_TUNABLES']?.includes('glibc.malloc.mmap_threshold') === true;

/** The graph has run: this is onnxruntime-node at a result that is no tensor (`stopsCopies` in graph/onnx-model.ts). */
const stoppedCopying = (cause: unknown): boolean => cause instanceof Error && /^Non tensor type/.test(cause.message);

const onDevice = (kept: Readonly<Record<string, string>>): Record<string, 'gpu-buffer'> =>
  Object.fromEntries(Object.values(kept).map((output) => [output, 'gpu-buffer']));

export class OnnxRuntime implements Runtime {
  readonly description = `onnxruntime ${ort.env.versions.node ?? ort.env.versions.common}`;
  private live = 0;

  constructor() {
    ort.env.logLevel = 'fatal';
  }

  get liveSessions(): number {
    return this.live;
  }

  async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const { device } = options;
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(model, sessionOptions(options));
    } catch (cause) {
      throw sessionFailure(cause, device, device === 'cuda' ? whyCudaDoesNotLoad() : null);
    }
    this.live++;
    return new OnnxSession(session, options, () => this.live--);
  }
}

class OnnxSession implements Session {
  private readonly session: ort.InferenceSession;
  private readonly options: SessionOptions;
  private readonly onRelease: () => void;
  /** By input name. */
  private kept: Readonly<Record<string, ort.Tensor>> = {};
  private reader: ort.InferenceSession | null = null;
  /** Made once of what is fed again and again: a step in place has hundreds. */
  private readonly converted = new WeakMap<Tensor, ort.Tensor>();

  constructor(session: ort.InferenceSession, options: SessionOptions, onRelease: () => void) {
    this.session = session;
    this.options = options;
    this.onRelease = onRelease;
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    into: Readonly<Record<string, Tensor>> = {},
  ): Promise<Record<string, Tensor>> {
    const fed = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, this.toOrt(value)]));
    const places = this.session.outputNames.map((name) => [name, into[name] ? this.toOrt(into[name]) : null]);
    let results: ort.InferenceSession.ReturnType;
    try {
      results = await this.session.run({ ...this.kept, ...fed }, Object.fromEntries(places));
    } catch (cause) {
      if (this.options.writesAll && stoppedCopying(cause)) return {};
      throw runFailure(cause, this.options.device);
    }
    if (this.options.writesAll) return {};
    const keeping = Object.entries(this.options.kept ?? {});
    this.dropKept();
    this.kept = Object.fromEntries(keeping.map(([input, output]) => [input, results[output]!]));
    const given = Object.entries(results).filter(([name]) => !keeping.some(([, output]) => output === name));
    return Object.fromEntries(given.map(([name, value]) => [name, fromOrt(value)]));
  }

  async readKept(): Promise<Record<string, Tensor>> {
    const entries = Object.entries(this.kept);
    if (entries.every(([, value]) => value.location === 'cpu'))
      return Object.fromEntries(entries.map(([name, value]) => [name, fromOrt(value)]));
    try {
      const copies = await (await this.readerFor(entries)).run(this.kept);
      return Object.fromEntries(entries.map(([name]) => [name, fromOrt(copies[copyName(name)]!)]));
    } catch (cause) {
      throw runFailure(cause, this.options.device);
    }
  }

  async release(): Promise<void> {
    this.dropKept();
    await this.reader?.release();
    if (this.options.profilePrefix) this.session.endProfiling();
    await this.session.release();
    this.onRelease();
  }

  /** Values on a GPU cannot be downloaded by themselves; a graph that copies them on the device gives them to us. */
  private async readerFor(entries: readonly [string, ort.Tensor][]): Promise<ort.InferenceSession> {
    if (this.reader) return this.reader;
    const inputs = entries.map(([name, { type, dims }]) => ({ name, dataType: type as DataType, shape: dims }));
    const model = writeModel(copyGraph(inputs));
    const options = sessionOptions({ device: this.options.device, threads: 0, unoptimised: true });
    return (this.reader = await ort.InferenceSession.create(model, options));
  }

  private toOrt(value: Tensor): ort.Tensor {
    const known = this.converted.get(value);
    if (known) return known;
    const made = new ort.Tensor(
      value.dataType as ort.Tensor.Type,
      value.data as OrtData & TensorArray,
      value.shape as number[],
    );
    this.converted.set(value, made);
    return made;
  }

  private dropKept(): void {
    for (const value of Object.values(this.kept)) if (value.location !== 'cpu') value.dispose();
    this.kept = {};
  }
}

const copyName = (name: string): string => `${name} copy`;

/** Each input times one, which is the input to the last bit. */
function copyGraph(inputs: Value[]): Graph {
  const one: Value = { name: 'one', dataType: 'float32', shape: [], constant: tensor('float32', [], [1]) };
  const outputs = inputs.map((input): Value => ({ ...input, name: copyName(input.name) }));
  const nodes = inputs.map((input, i): Node => ({
    name: `copy of ${input.name}`,
    opType: 'Mul',
    domain: '',
    inputs: [input, one],
    outputs: [outputs[i]!],
    attributes: {},
  }));
  return { name: 'copy', inputs, outputs, initializers: [one], nodes };
}
