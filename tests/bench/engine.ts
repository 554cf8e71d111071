/**
 * A whole training step (forward, backward, AdamW) of each network over PyTorch's, interleaved in one run, and the memory
 * that each takes. Both sides start from the same weights and train on the same batch, and their losses must agree.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { measuredInWords, type StepTuning } from '../../src-main/contract/model/step-tuning.ts';
import { Random } from '../../src-main/engine/data/random.ts';
import type { Builder } from '../../src-main/engine/graph/builder.ts';
import { tensor, sizeOf, toBytes, type Tensor } from '../../src-main/engine/graph/types.ts';
import { writeModel } from '../../src-main/engine/graph/onnx-model.ts';
import type { NetworkPlan, PlannedLayer } from '../../src-main/engine/nn/network.ts';
import { initialise } from '../../src-main/engine/nn/parameters.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import type { Session } from '../../src-main/engine/runtime/runtime.ts';
import { withKeptMemory } from '../../src-main/processes/kept-memory.ts';
import { smallestYoungHeap } from '../../src-main/processes/young-heap.ts';
import { capture } from '../../src-main/setup/child.mjs';
import { repository } from '../helpers/app-session.ts';
import { interleave, median, type Bar, type BenchContext, type BenchOutcome, type Figure } from './bench.ts';
import { stepArithmetic } from './engine-arithmetic.ts';
import { benchNetworks, phase, planStep, type BenchNetwork } from './engine-networks.ts';
import { findPython, startPeer, startPythonPeer, type PythonPeer } from './python-peer.ts';

const threads = 2;
/** Where ENGINE_TUNING names a file, layers are measured into it before, as the app does for runs; else the rules decide. */
const tuning = process.env['ENGINE_TUNING'];
const memoryBar = 0.9;
/** About how long a contender's turn is. */
const roundMs = 1000;
/** A round counts where other programs took no more than this share of the processor, and the machine kept its pace. */
const quiet = 0.1;
/**
 * Rounds that count, the steps for which PyTorch's settings are tried, and whether its other layout is timed as well; how long the
 * whole bench waits for a machine that is slower than it was.
 */
const efforts = {
  quick: { rounds: 7, settingSteps: 2, timesChannelsLast: false, patienceMs: 75_000 },
  whole: { rounds: 15, settingSteps: 4, timesChannelsLast: true, patienceMs: 480_000 },
};
type Effort = (typeof efforts)[keyof typeof efforts];
/** The least that PyTorch's settings are tried for, and a step so short that its first two tell nothing of the next ones. */
const trialMs = 300;
const shortStepMs = 100;
/** Relative difference of the losses after the first steps. */
const lossTolerance = 1e-3;
const comparedSteps = 3;

/** PyTorch returns big blocks to the system and gets them back page by page unless it is told otherwise. */
const keepMemory = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '17179869184',
  MALLOC_TOP_PAD_: '268435456',
};
const productSide = 2048;

const library = (name: string): string => `/usr/lib/x86_64-linux-gnu/${name}`;
const jemalloc = library('libjemalloc.so.2');
const tcmalloc = library('libtcmalloc_minimal.so.4');

interface Setting {
  name: string;
  environment: Record<string, string>;
}
const asItIs: Setting = { name: "glibc's malloc as it is", environment: {} };
/** What PyTorch may be given; the fastest is what ours is measured against. */
const settings: readonly Setting[] = [
  // Threads that sleep while they wait, as ours do: the faster way where the machine is shared.
  {
    name: "glibc's malloc that keeps its memory, waiting asleep",
    environment: { ...keepMemory, OMP_WAIT_POLICY: 'passive' },
  },
  asItIs,
  { name: "glibc's malloc that keeps its memory", environment: keepMemory },
  {
    name: "glibc's malloc that keeps its memory, in huge pages",
    environment: { ...keepMemory, GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' },
  },
  ...(existsSync(jemalloc)
    ? [
        {
          name: 'jemalloc in huge pages',
          environment: {
            LD_PRELOAD: jemalloc,
            MALLOC_CONF: 'thp:always,dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0',
          },
        },
      ]
    : []),
  ...(existsSync(tcmalloc) ? [{ name: 'tcmalloc', environment: { LD_PRELOAD: tcmalloc } }] : []),
];

interface Steps {
  ms: number[];
  losses: number[];
}
interface Memory {
  baselineBytes: number;
  peakBytes: number;
}

export async function runEngine({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const search = await findPython(['torch', 'numpy']);
  const python = search.found ? search.python : null;
  const outcome: BenchOutcome = {
    figures: [],
    bars: [],
    notes: [
      search.found ? `Peer: PyTorch ${search.versions.torch}, ${threads} threads.` : search.mend,
      'Loss: cross-entropy for LeNet-5, the sum of the outputs’ mean squares for the others. Optimiser: AdamW.',
    ],
  };
  const effort = quick ? efforts.quick : efforts.whole;
  const pace = await Pace.open(effort.patienceMs);
  const peak = pace.peakGflops;
  outcome.figures.push({
    name: 'matMulGflops',
    value: peak,
    explanation: `the most of this machine: MatMul of ${productSide}³`,
  });
  for (const net of wantedNetworks()) {
    progress(`timing ${net.label}`);
    const { figures, bars, notes } = await timeNetwork(net, python, pace, effort);
    outcome.figures.push(...figures);
    outcome.bars.push(...bars);
    outcome.notes.push(...notes);
    for (const { name, value } of figures) progress(`  ${name} ${value?.toPrecision(4) ?? '–'}`);
    for (const note of notes) progress(`  ${note}`);
  }
  await pace.close();
  return outcome;
}

/** All, or those that ENGINE_NETWORKS names. */
function wantedNetworks(): readonly BenchNetwork[] {
  const wanted = process.env['ENGINE_NETWORKS']?.split(',');
  const ids = benchNetworks.map(({ id }) => id);
  const unknown = wanted?.find((id) => !ids.includes(id));
  if (unknown !== undefined)
    throw new Error(`ENGINE_NETWORKS: there is no "${unknown}". There are: ${ids.join(', ')}.`);
  return benchNetworks.filter(({ id }) => wanted?.includes(id) ?? true);
}

async function timeNetwork(
  net: BenchNetwork,
  python: string | null,
  pace: Pace,
  effort: Effort,
): Promise<BenchOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-bench-'));
  const closing: PythonPeer[] = [];
  try {
    await writeInputs(folder, net);
    const start = async (peer: PythonPeer): Promise<PythonPeer> => {
      closing.push(peer);
      await peer.next();
      return peer;
    };
    const script = join(repository, 'tests', 'bench', 'engine-contender.ts');
    // As a host starts its trainer.
    const environment = { ...withKeptMemory(process.env), ...(tuning && { FOVEA_TUNING: tuning }) };
    const node = [process.execPath, ...smallestYoungHeap] as const;
    const command = [...node, script, folder, String(threads), net.id] as const;
    const notes: string[] = [];
    if (tuning) notes.push(await measureLayers(node, tuning, net));
    const ours = await start(startPeer(command, script, environment));
    const peer = ({ environment }: Setting, channelsLast = false): Promise<PythonPeer> => {
      const program = join(repository, 'tests', 'bench', 'engine_peer.py');
      return start(startPythonPeer(python!, program, [folder, String(threads), channelsLast ? '1' : '0'], environment));
    };
    const warm = await ours.ask<Steps>({ command: 'step', count: comparedSteps });
    const figures: Figure[] = [];
    let torch: PythonPeer | null = null;
    let frugal: Memory | null = null;
    let channelsLast: PythonPeer | null = null;
    if (python) {
      const found = await fastest(peer, settings, effort.settingSteps);
      torch = found.peer;
      frugal = found.frugal;
      if (effort.timesChannelsLast) {
        channelsLast = await peer(found.setting, true);
        await channelsLast.ask<Steps>({ command: 'step', count: 3 });
      }
      notes.push(`${net.label}: PyTorch is fastest with ${found.setting.name}.`);
      compareLosses(net, warm.losses, found.losses);
    }
    // As the trainer does: several steps, then the state goes back and forth once.
    const once = Math.min(32, Math.max(1, Math.round(roundMs / Math.min(...warm.ms))));
    const stepMs = async (contender: PythonPeer): Promise<number> =>
      median((await contender.ask<Steps>({ command: 'step', count: once })).ms);
    const contenders = {
      ours: () => stepMs(ours),
      ...(torch ? { torch: () => stepMs(torch) } : {}),
      ...(channelsLast ? { channelsLast: () => stepMs(channelsLast) } : {}),
    };
    const { measured, disturbed } = await quietRounds(effort, contenders, pace);
    if (disturbed > 0)
      notes.push(
        `${net.label}: in ${disturbed} of the rounds that count, the machine was busy, or slower than it was.`,
      );
    const peakGflops = pace.peakGflops;
    const [oursMs, torchMs] = [measured['ours']!, measured['torch']];
    const ratioTo = (other: number[] | undefined): number | null =>
      other ? median(oursMs.map((ms, round) => ms / other[round]!)) : null;
    const ratio = ratioTo(torchMs);
    const { plan } = planStep(net);
    const gflops = stepArithmetic(plan, net.input[0]) / 1e9;
    figures.push(
      {
        name: `${net.id}StepOverPyTorch`,
        value: ratio,
        explanation: `${net.label}: our step ÷ PyTorch's, median of ${oursMs.length} rounds`,
      },
      {
        name: `${net.id}StepOverChannelsLast`,
        value: ratioTo(measured['channelsLast']),
        explanation: 'and over PyTorch with its images and weights laid out channels last; only without --quick',
      },
      { name: `${net.id}StepMs`, value: median(oursMs), explanation: 'ours' },
      { name: `${net.id}PyTorchStepMs`, value: torchMs ? median(torchMs) : null, explanation: "PyTorch's" },
      {
        name: `${net.id}PeakPercent`,
        value: (100 * gflops) / (median(oursMs) / 1000) / peakGflops,
        explanation: `${gflops.toFixed(1)} GFLOP a step, of the MatMul peak; PyTorch ${torchMs ? ((100 * gflops) / (median(torchMs) / 1000) / peakGflops).toFixed(0) : '–'} %`,
      },
      await memoryFigure(net, ours, torch, frugal),
    );
    return {
      figures,
      bars: [
        { figure: `${net.id}StepOverPyTorch`, bar: net.bar, direction: 'at-most' },
        { figure: `${net.id}MemoryOverPyTorch`, bar: memoryBar, direction: 'at-most' } satisfies Bar,
      ],
      notes,
    };
  } finally {
    await Promise.all(closing.map((peer) => peer.close()));
    await rm(folder, { recursive: true });
  }
}

/** What the app does when a person asks for it, in a process of its own. */
async function measureLayers(
  [program, ...options]: readonly [string, ...string[]],
  file: string,
  net: BenchNetwork,
): Promise<string> {
  const script = join(repository, 'tests', 'bench', 'engine-tune.ts');
  const { code, stdout, stderr } = await capture(program, [...options, script, file, String(threads), net.id], {
    env: withKeptMemory(process.env),
  });
  if (code !== 0) throw new Error(`${net.label}: its layers could not be measured: ${stderr}`);
  return `${net.label}: ${measuredInWords(JSON.parse(stdout) as StepTuning)}`;
}

/**
 * Rounds in which the machine was left alone; where there are not enough within twice as many, the calmest of the others
 * make up for them.
 */
async function quietRounds(
  { rounds: wanted }: Effort,
  contenders: Record<string, () => Promise<number>>,
  pace: Pace,
): Promise<{ measured: Record<string, number[]>; disturbed: number }> {
  /** `disturbance`: calm up to 1. */
  const done: { disturbance: number; ms: Record<string, number[]> }[] = [];
  const calm = (): number => done.filter(({ disturbance }) => disturbance <= 1).length;
  while (done.length < 2 * wanted && calm() < wanted) {
    const atFirst = await pace.wait();
    const before = processorTimes();
    const ms = await interleave(1, done.length % 2 === 0 ? contenders : reversed(contenders));
    const share = shareOfOthers(before, processorTimes());
    done.push({ disturbance: Math.max(share / quiet, atFirst, await pace.disturbance()), ms });
  }
  const chosen = done.toSorted((a, b) => a.disturbance - b.disturbance).slice(0, wanted);
  const names = Object.keys(contenders);
  return {
    measured: Object.fromEntries(names.map((name) => [name, chosen.flatMap(({ ms }) => ms[name]!)])),
    disturbed: chosen.filter(({ disturbance }) => disturbance > 1).length,
  };
}

const reversed = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).toReversed());

interface ProcessorTimes {
  /** Of all programs, and of this one with its peers; in the kernel's ticks. */
  busy: number;
  own: number;
  all: number;
}

/** Where there is no /proc, nothing is known of other programs. */
function processorTimes(): ProcessorTimes {
  if (!existsSync('/proc/stat')) return { busy: 0, own: 0, all: 0 };
  const ticks = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))![1]!.split(' ').map(Number);
  const idle = ticks[3]! + ticks[4]!;
  const all = ticks.slice(0, 8).reduce((a, b) => a + b, 0);
  return {
    busy: all - idle,
    own: [process.pid, ...childrenOf(process.pid)].reduce((sum, pid) => sum + ticksOf(pid), 0),
    all,
  };
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...childrenOf(child)]);
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]); // user and system
}

function shareOfOthers(before: ProcessorTimes, after: ProcessorTimes): number {
  const all = after.all - before.all;
  return all === 0 ? 0 : (after.busy - before.busy - (after.own - before.own)) / all;
}

/** Tries every setting for a few steps; the losers are closed, the hopeless ones after two. `frugal`: what PyTorch takes with malloc as it is. */
async function fastest(
  peer: (setting: Setting) => Promise<PythonPeer>,
  candidates: readonly Setting[],
  steps: number,
): Promise<{ peer: PythonPeer; setting: Setting; losses: number[]; frugal: Memory | null }> {
  let best: { peer: PythonPeer; setting: Setting; losses: number[]; ms: number } | null = null;
  let frugal: Memory | null = null;
  for (const setting of candidates) {
    const candidate = await peer(setting);
    const first = await candidate.ask<Steps>({ command: 'step', count: 2 });
    const quickest = Math.min(...first.ms);
    const isHopeless: boolean = best !== null && quickest > Math.max(1.5 * best.ms, shortStepMs);
    const count = Math.max(steps, Math.round(trialMs / quickest));
    const rest: Steps = isHopeless ? first : await candidate.ask<Steps>({ command: 'step', count });
    if (setting === asItIs) frugal = await memoryOf(candidate);
    const ms = Math.min(...first.ms, ...rest.ms);
    if (best && best.ms <= ms) {
      await candidate.close();
      continue;
    }
    await best?.peer.close();
    best = { peer: candidate, setting, losses: [...first.losses, ...rest.losses].slice(0, comparedSteps), ms };
  }
  return { ...best!, frugal };
}

const memoryOf = (peer: PythonPeer): Promise<Memory> => peer.ask<Memory>({ command: 'memory' });

function compareLosses({ label }: BenchNetwork, ours: readonly number[], torch: readonly number[]): void {
  torch.forEach((loss, i) => {
    if (Math.abs(ours[i]! - loss) > lossTolerance * Math.abs(loss))
      throw new Error(`${label}: after ${i} steps our loss is ${ours[i]}, PyTorch's ${loss}. They must be the same.`);
  });
}

/** PyTorch's memory is the least that it takes: with malloc as it is, or as it was timed. */
async function memoryFigure(
  net: BenchNetwork,
  ours: PythonPeer,
  timed: PythonPeer | null,
  frugal: Memory | null,
): Promise<Figure> {
  const above = ({ baselineBytes, peakBytes }: Memory): number => peakBytes - baselineBytes;
  const mine = await memoryOf(ours);
  const theirs: Memory[] = [...(timed ? [await memoryOf(timed)] : []), ...(frugal ? [frugal] : [])];
  const [least] = theirs.toSorted((a, b) => above(a) - above(b));
  const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const inWords = (memory: Memory): string => `${megabytes(above(memory))} of ${megabytes(memory.peakBytes)} MB`;
  return {
    name: `${net.id}MemoryOverPyTorch`,
    value: least ? above(mine) / above(least) : null,
    explanation: `peak above the process without a network: ${inWords(mine)} in all${least ? `, PyTorch ${inWords(least)}` : ''}`,
  };
}

async function writeInputs(folder: string, net: BenchNetwork): Promise<void> {
  const { plan } = planStep(net);
  const values = initialise(plan.parameters, plan.buffers, 0);
  const random = Random.derive(0, 'bench', net.id);
  const pixels = Uint8Array.from({ length: sizeOf(net.input) }, () => random.below(256));
  const labels = tensor(
    'int64',
    [net.input[0]],
    Array.from({ length: net.input[0] }, (_, i) => i % 10),
  );
  const layers = leadingToOutputs(plan);
  const network = {
    layers: layers.map(({ spec, sources }, i) => ({
      ...spec,
      sources,
      inPlace: i > 0 && layers.filter((other) => other.sources.includes(sources[0])).length === 1,
    })),
    outputs: plan.outputs,
    parameters: plan.parameters.map(({ name, shape, fixed = false }) => ({ name, shape, fixed })),
    buffers: plan.buffers,
  };
  const flat = Buffer.concat(plan.parameters.map(({ name }) => toBytes(values.get(name)!)));
  const { optimiser, learningRate } = phase;
  const recipe = { loss: net.loss, shape: net.input, optimiser, learningRate };
  await Promise.all([
    writeFile(join(folder, 'network.json'), JSON.stringify(network)),
    writeFile(join(folder, 'recipe.json'), JSON.stringify(recipe)),
    writeFile(join(folder, 'parameters.f32'), flat),
    writeFile(join(folder, 'batch.u8'), pixels),
    writeFile(join(folder, 'labels.i64'), toBytes(labels.data)),
  ]);
}

/** What the network computes; the engine leaves the other layers out as well. */
function leadingToOutputs({ layers, outputs }: NetworkPlan): PlannedLayer[] {
  const needed = new Set<string>(outputs);
  return layers
    .toReversed()
    .filter(({ spec, sources }) => {
      if (!needed.has(spec.path)) return false;
      for (const source of sources) needed.add(source);
      return true;
    })
    .toReversed();
}

/** The quickest of so many runs counts; so much of its speed is missing now and then for no reason. */
interface ReferenceKind {
  runs: number;
  usual: number;
}

/** Something simple that takes as long as ever where the machine is left alone. */
class Reference {
  /** The least so far. */
  bestMs = Infinity;
  private readonly session: Session;
  private readonly feeds: Record<string, Tensor>;
  private readonly kind: ReferenceKind;

  private constructor(session: Session, feeds: Record<string, Tensor>, kind: ReferenceKind) {
    this.session = session;
    this.feeds = feeds;
    this.kind = kind;
  }

  /** As it is written: onnxruntime would move a transposition behind what takes a part of it. */
  static async open({ graph }: Builder, feeds: Record<string, Tensor>, kind: ReferenceKind): Promise<Reference> {
    const options = { device: 'cpu', threads, unoptimised: true } as const;
    return new Reference(await new OnnxRuntime().createSession(writeModel(graph), options), feeds, kind);
  }

  /** What is missing of its best speed now, of what is usual: calm up to 1. */
  async disturbance(): Promise<number> {
    const { runs, usual } = this.kind;
    let quickest = Infinity;
    for (let i = 0; i < runs; i++) {
      const started = performance.now();
      await this.session.run(this.feeds);
      quickest = Math.min(quickest, performance.now() - started);
    }
    this.bestMs = Math.min(this.bestMs, quickest);
    return (1 - this.bestMs / quickest) / usual;
  }

  close(): Promise<void> {
    return this.session.release();
  }
}

/**
 * Whether the machine is as fast as it was: at a product of matrices, and at turning matrices. Virtual machines come into a
 * state, for seconds, in which turning takes two to three times as long and a product only a tenth longer.
 */
class Pace {
  private readonly product: Reference;
  private readonly turning: Reference;
  private patienceMs: number;

  private constructor(product: Reference, turning: Reference, patienceMs: number) {
    this.product = product;
    this.turning = turning;
    this.patienceMs = patienceMs;
  }

  /** The caller closes it. */
  static async open(patienceMs: number): Promise<Pace> {
    const pace = new Pace(await Pace.openProduct(), await Pace.openTurning(), patienceMs);
    for (let i = 0; i < 8; i++) await pace.disturbance();
    return pace;
  }

  private static openProduct(): Promise<Reference> {
    const shape = [productSide, productSide];
    const g = newGraph('product');
    g.output(g.matmul(g.input('a', 'float32', shape), g.input('b', 'float32', shape)), 'product');
    const feed = ones(shape);
    return Reference.open(g, { a: feed, b: feed }, { runs: 1, usual: 0.1 });
  }

  private static openTurning(): Promise<Reference> {
    const shape = [16, 256, 256];
    const g = newGraph('turning');
    const turned = g.transpose(g.input('x', 'float32', shape), [0, 2, 1]);
    g.output(g.slice(turned, [0], [1], [0]), 'first'); // all of it would be copied into JavaScript
    return Reference.open(g, { x: ones(shape) }, { runs: 9, usual: 0.4 });
  }

  /** The most of the machine so far, in GFLOP/s. */
  get peakGflops(): number {
    return (2 * productSide ** 3) / 1e6 / this.product.bestMs;
  }

  /** Calm up to 1. */
  async disturbance(): Promise<number> {
    return Math.max(await this.product.disturbance(), await this.turning.disturbance());
  }

  /** Until it is calm, or the patience is used up; the disturbance then. */
  async wait(): Promise<number> {
    const started = performance.now();
    let disturbance = await this.disturbance();
    while (disturbance > 1 && performance.now() - started < this.patienceMs) {
      await sleep(500);
      disturbance = await this.disturbance();
    }
    this.patienceMs -= performance.now() - started;
    return disturbance;
  }

  async close(): Promise<void> {
    await this.product.close();
    await this.turning.close();
  }
}

const ones = (shape: readonly number[]): Tensor => ({
  dataType: 'float32',
  shape,
  data: new Float32Array(sizeOf(shape)).fill(1),
});
