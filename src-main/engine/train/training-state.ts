/** The numbers that training changes, as flat vectors in the layout of the current phase, and by name in between. */
import type { PhaseConfig } from '../../contract/model/run.ts';
import type { Tensor } from '../graph/types.ts';
import { isFrozen, type NetworkPlan } from '../nn/network.ts';
import { optimiserFor } from '../nn/optimisers.ts';
import { FlatLayout, type NamedTensors } from '../nn/parameters.ts';
import type { StateLayout } from './step-graph.ts';

const vector = (data: Float32Array): Tensor => ({ dataType: 'float32', shape: [data.length], data });

export class TrainingState {
  readonly layout: StateLayout;
  readonly slotNames: readonly string[];
  private readonly vectors: Map<string, Float32Array>;

  /** `slots` holds what an interrupted phase kept; without it the phase's optimiser starts afresh. */
  constructor(plan: NetworkPlan, phase: PhaseConfig, tensors: NamedTensors, slots: ReadonlyMap<string, NamedTensors>) {
    this.layout = {
      trainable: new FlatLayout(plan.parameters.filter(({ name }) => !isFrozen(name, phase.freeze))),
      frozen: new FlatLayout(plan.parameters.filter(({ name }) => isFrozen(name, phase.freeze))),
      buffers: new FlatLayout(plan.buffers),
    };
    this.slotNames = optimiserFor(phase.optimiser).slots(phase.optimiser);
    const { trainable, frozen, buffers } = this.layout;
    const kept = (slot: string): Float32Array => {
      const values = slots.get(slot);
      return values ? trainable.pack(values) : new Float32Array(trainable.length);
    };
    this.vectors = new Map([
      ['parameters', trainable.pack(tensors)],
      ...this.slotNames.map((slot): [string, Float32Array] => [slot, kept(slot)]),
      ['frozen', frozen.pack(tensors)],
      ['buffers', buffers.pack(tensors)],
    ]);
  }

  /** What a training step is fed. Empty vectors are not part of a graph. */
  trainFeeds(): Record<string, Tensor> {
    return Object.fromEntries(
      [...this.vectors].filter(([, data]) => data.length > 0).map(([name, data]) => [name, vector(data)]),
    );
  }

  inferenceFeeds(): Record<string, Tensor> {
    const { frozen, parameters, buffers } = this.trainFeeds();
    return Object.fromEntries(
      Object.entries({ parameters, frozen, buffers }).filter(
        (entry): entry is [string, Tensor] => entry[1] !== undefined,
      ),
    );
  }

  /** Takes the results of a training run over as the current state. */
  accept(results: Readonly<Record<string, Tensor>>): void {
    for (const name of this.vectors.keys()) {
      const next = results[`${name}Next`];
      if (next) this.vectors.set(name, next.data as Float32Array);
    }
  }

  /** Parameters and buffers by name. */
  tensors(): NamedTensors {
    const values: NamedTensors = new Map();
    this.layout.trainable.unpack(this.vectors.get('parameters')!, values);
    this.layout.frozen.unpack(this.vectors.get('frozen')!, values);
    this.layout.buffers.unpack(this.vectors.get('buffers')!, values);
    return values;
  }

  slots(): Map<string, NamedTensors> {
    return new Map(
      this.slotNames.map((slot) => {
        const values: NamedTensors = new Map();
        this.layout.trainable.unpack(this.vectors.get(slot)!, values);
        return [slot, values];
      }),
    );
  }
}
