/**
 * The numbers that training changes, as flat vectors in the layout of the current phase, and by name in between. Where
 * weights are averaged, the averages are what is evaluated.
 */
import type { PhaseConfig } from '../../contract/model/run.ts';
import type { Tensor } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import { optimiserFor } from '../nn/optimisers/index.ts';
import type { FlatLayout, NamedTensors } from '../nn/parameters.ts';
import { letGo } from '../runtime/free-memory.ts';
import type { Checkpoint } from './checkpoint.ts';
import { firstLossScale, hasLostScale, lossScaleName } from './loss-scaling.ts';
import {
  carriedVectors,
  frozenName,
  groupVector,
  shownGradient,
  stateLayout,
  updateSettings,
  type PrecisionAnd,
  type StateLayout,
  type StateVector,
  type UpdateSettings,
} from './state-layout.ts';

const vector = (data: Float32Array): Tensor => ({ dataType: 'float32', shape: [data.length], data });

/** What a run goes on from. */
export type Kept = Pick<Checkpoint, 'tensors' | 'averages' | 'slots' | 'lossScale'>;

/** Kept beside the optimiser's own slots while an update is incomplete. */
const gradientSum = 'gradientSum';

export class TrainingState {
  readonly layout: StateLayout;
  readonly update: UpdateSettings;
  /** An update in place failed half-way: what is in here belongs to no step and must not be kept. */
  isTorn = false;
  private readonly carried: readonly StateVector[];
  private readonly vectors = new Map<string, Float32Array>();

  /** Slots that are not kept start at zero, and averages at the weights. */
  constructor(plan: NetworkPlan, config: PrecisionAnd<'accumulation' | 'ema'>, phase: PhaseConfig, kept: Kept) {
    const { tensors, slots } = kept;
    const averages = kept.averages ?? tensors;
    this.layout = stateLayout(plan, phase);
    this.update = updateSettings(config, phase);
    const { groups, frozen, buffers } = this.layout;
    if (config.ema !== null && !sameValues(frozen, tensors, averages))
      this.update = { ...this.update, averages: 'everything' };
    this.carried = carriedVectors(this.layout, this.update);
    for (const group of groups) {
      const set = (role: string, values: NamedTensors | undefined): void =>
        void this.vectors.set(
          groupVector(role, group),
          values ? group.layout.pack(values) : new Float32Array(group.layout.length),
        );
      set('parameters', tensors);
      for (const slot of this.slotNames()) set(slot, slots.get(slot));
      if (this.update.averages !== 'nothing') set('average', averages);
      if (this.update.showsGradient) set(shownGradient, undefined);
    }
    this.vectors.set(frozenName, frozen.pack(tensors));
    this.vectors.set('buffers', buffers.pack(tensors));
    if (this.update.scalesLoss) this.vectors.set(lossScaleName, Float32Array.from(kept.lossScale ?? firstLossScale));
    if (this.update.averages === 'nothing') return;
    this.vectors.set('averageFrozen', frozen.pack(averages));
    this.vectors.set('averageBuffers', buffers.pack(averages));
  }

  /** What a training step is fed; `showsGradient`: one that carries its gradient out. Empty vectors are not part of a graph. */
  trainFeeds(showsGradient = this.update.showsGradient === true): Record<string, Tensor> {
    const carried = this.carried.map(({ name }) => name);
    const names = [...carried.filter((name) => showsGradient || !name.startsWith(shownGradient)), frozenName];
    return feedsOf(names.map((name) => [name, this.vectors.get(name)!]));
  }

  /** The averaged weights where there are any. */
  inferenceFeeds(): Record<string, Tensor> {
    const averaged = this.update.averages !== 'nothing';
    const read = (name: string): Float32Array => this.vectors.get(name)!;
    return feedsOf([
      ...this.layout.groups.map((group): [string, Float32Array] => [
        groupVector('parameters', group),
        read(groupVector(averaged ? 'average' : 'parameters', group)),
      ]),
      [frozenName, read(averaged ? 'averageFrozen' : frozenName)],
      ['buffers', read(averaged ? 'averageBuffers' : 'buffers')],
    ]);
  }

  /**
   * Takes the results of a training run over as the current state, and frees what they take the place of. A gradient that was
   * not wanted is not among them.
   */
  accept(results: Readonly<Record<string, Tensor>>): void {
    for (const { name } of this.carried) {
      const next = results[`${name}Next`];
      if (next || !name.startsWith(shownGradient)) replaceVector(this.vectors, name, next!.data as Float32Array);
    }
  }

  /** Of the latest update by the parameter's name, good until the next step. Null where it is not carried. */
  gradients(): NamedTensors | null {
    return this.update.showsGradient ? this.named(shownGradient) : null;
  }

  /** Makes room; the next look has a gradient of its own. */
  forgetGradients(): void {
    for (const group of this.layout.groups)
      this.vectors.set(groupVector(shownGradient, group), new Float32Array(group.layout.length));
  }

  /** Trained and frozen ones by name, not their averages; good until the next step. */
  weights(): NamedTensors {
    return this.named('parameters', frozenName);
  }

  /** Views of the state for a checkpoint, good until the next step. `isMidUpdate`: some steps of an update are done and others are not. */
  keep(isMidUpdate: boolean): Kept {
    const slots = isMidUpdate ? this.slotNames() : optimiserSlots(this.update);
    return {
      tensors: this.named('parameters', frozenName, 'buffers'),
      averages: this.update.averages === 'nothing' ? null : this.named('average', 'averageFrozen', 'averageBuffers'),
      slots: new Map(slots.map((slot) => [slot, this.named(slot)])),
      ...(this.update.scalesLoss && { lossScale: [...this.vectors.get(lossScaleName)!] }),
    };
  }

  /** Whether gradients overflow half precision however small they are scaled. */
  hasLostScale(): boolean {
    return hasLostScale(this.vectors.get(lossScaleName) ?? firstLossScale);
  }

  /** Whether weights and accumulated gradients are finite: those that a training run gave, or the current ones. */
  isFinite(results: Readonly<Record<string, Tensor>> | null = null): boolean {
    const roles = ['parameters', ...(this.update.accumulates ? [gradientSum] : [])];
    const names = this.layout.groups.flatMap((group) => roles.map((role) => groupVector(role, group)));
    return names.every((name) => {
      const values = (results?.[`${name}Next`]?.data as Float32Array | undefined) ?? this.vectors.get(name)!;
      return values.every(Number.isFinite);
    });
  }

  private slotNames(): readonly string[] {
    return [...optimiserSlots(this.update), ...(this.update.accumulates ? [gradientSum] : [])];
  }

  private named(role: string, frozenVector?: string, buffersVector?: string): NamedTensors {
    const { groups, frozen, buffers } = this.layout;
    const values: NamedTensors = new Map();
    for (const group of groups) group.layout.view(this.vectors.get(groupVector(role, group))!, values);
    if (frozenVector) frozen.view(this.vectors.get(frozenVector)!, values);
    if (buffersVector) buffers.view(this.vectors.get(buffersVector)!, values);
    return values;
  }
}

/** The vector that was there before is freed, unless it was written over. */
export function replaceVector(vectors: Map<string, Float32Array>, name: string, next: Float32Array): void {
  const previous = vectors.get(name);
  vectors.set(name, next);
  if (previous && previous.buffer !== next.buffer) letGo(previous);
}

const optimiserSlots = ({ optimiser }: UpdateSettings): readonly string[] => optimiserFor(optimiser).slots(optimiser);

function feedsOf(entries: readonly (readonly [string, Float32Array])[]): Record<string, Tensor> {
  return Object.fromEntries(entries.filter(([, data]) => data.length > 0).map(([name, data]) => [name, vector(data)]));
}

function sameValues({ entries }: FlatLayout, a: NamedTensors, b: NamedTensors): boolean {
  if (a === b) return true;
  return entries.every(({ name }) => a.get(name)!.every((value, i) => Object.is(value, b.get(name)![i])));
}
