/**
 * Measures a run's layers while it trains: the lengths of weights and gradients, and if asked for how their values spread.
 * Gradients are looked at after a few updates of an epoch, at the same ones however often the run is stopped; sums of the epoch that has begun
 * stand in the run's position. It changes nothing of what is learned.
 */
import type { MetricPoint, RunConfig } from '../../contract/model/run.ts';
import { sizeOf } from '../graph/types.ts';
import type { NetworkPlan } from '../nn/network.ts';
import type { NamedTensors } from '../nn/parameters.ts';
import { euclideanNorm, spreadOf } from '../metrics/tensor-statistics.ts';
import {
  appendLayerRecord,
  beginLayerRecords,
  decodeSpreads,
  encodeSpreads,
  type LayerRecord,
  type RecordedSpread,
  type WatchedTensor,
} from './layer-records.ts';
import { runFiles } from './run-folder.ts';

const bins = 64;
const looksPerEpoch = 4;
const wholeShare = 0xffff;

/** Of the updates of an epoch that were looked at. */
export interface GradientSums {
  updates: number;
  /** Of each watched tensor's norms, and behind them of the norms over all that is trained. Null where it is no number. */
  norms: (number | null)[];
  /** How the latest gradient spread, in the form in which layers.bin has it, as base64; empty without histograms. */
  spreads: string;
}
export const noGradients: GradientSums = { updates: 0, norms: [], spreads: '' };

export interface LayerWatchOptions {
  folder: string;
  config: Pick<RunConfig, 'accumulation' | 'monitoring'>;
  plan: NetworkPlan;
  epochsDone: number;
}

export class LayerWatch {
  readonly #file: string;
  readonly #accumulation: number;
  readonly #tensors: readonly WatchedTensor[];

  private constructor(file: string, accumulation: number, tensors: readonly WatchedTensor[]) {
    this.#file = file;
    this.#accumulation = accumulation;
    this.#tensors = tensors;
  }

  /** Null where nothing is to be watched. Throws FoveaError `io`. */
  static async open({ folder, config, plan, epochsDone }: LayerWatchOptions): Promise<LayerWatch | null> {
    const { layers } = config.monitoring;
    if (layers === 'nothing') return null;
    const withSpreads = layers === 'histograms';
    const tensors = plan.parameters
      .filter(({ fixed }) => fixed !== true)
      .map(({ name, shape }) => ({
        name,
        values: sizeOf(shape),
        hasHistograms: withSpreads && shape.length > 1,
      }));
    const file = runFiles.layers(folder);
    await beginLayerRecords(file, { bins: withSpreads ? bins : 0, tensors }, epochsDone);
    return new LayerWatch(file, config.accumulation, tensors);
  }

  /** How many steps after `stepInEpoch` the next one is whose update is looked at; infinite behind the last one. */
  stepsUntilLook(stepInEpoch: number, stepsPerEpoch: number): number {
    const updates = Math.ceil(stepsPerEpoch / this.#accumulation);
    const looks = Math.min(looksPerEpoch, updates);
    for (let look = 1; look <= looks; look++) {
      const lastStep = Math.min(Math.floor((look * updates) / looks) * this.#accumulation, stepsPerEpoch);
      if (lastStep > stepInEpoch) return lastStep - stepInEpoch;
    }
    return Infinity;
  }

  /** `gradients`: of the update that was just made, by the parameter's name. Those of frozen weights are not there. */
  look({ updates, norms }: GradientSums, gradients: NamedTensors): GradientSums {
    let squares = 0;
    const found = this.#tensors.map(({ name }) => {
      const gradient = gradients.get(name);
      const norm = gradient ? euclideanNorm(gradient) : NaN;
      if (gradient) squares += norm * norm;
      return norm;
    });
    return {
      updates: updates + 1,
      spreads: Buffer.from(encodeSpreads(this.#spreads(gradients), bins)).toString('base64'),
      norms: [...found, Math.sqrt(squares)].map((norm, i) => {
        const sum = norm + (updates === 0 ? 0 : (norms[i] ?? NaN));
        return Number.isFinite(sum) ? sum : null;
      }),
    };
  }

  /** `weights`: by the parameter's name, after the epoch's last step. Throws FoveaError `io`. */
  async endEpoch(
    { epoch, step }: { epoch: number; step: number },
    { updates, norms, spreads }: GradientSums,
    weights: NamedTensors,
  ): Promise<MetricPoint[]> {
    const weightNorms = this.#tensors.map(({ name }) => euclideanNorm(weights.get(name)!));
    const gradientNorms = [...this.#tensors, null].map((_, i) => (norms[i] ?? NaN) / updates);
    const weightSpreads = this.#spreads(weights);
    const gradientSpreads = decodeSpreads(Buffer.from(spreads, 'base64'), bins);
    const record: LayerRecord = {
      epoch,
      weightNorms: Float32Array.from(weightNorms),
      gradientNorms: Float32Array.from(gradientNorms.slice(0, -1)),
      spreads: weightSpreads.map((spread, i) => ({
        weights: spread,
        gradients: gradientSpreads[i] ?? nothingSeen(),
      })),
    };
    await appendLayerRecord(this.#file, record);
    const squares = weightNorms.reduce((sum, norm) => sum + norm * norm, 0);
    return [
      { series: 'epoch/weightNorm', step, epoch, value: Math.sqrt(squares) },
      { series: 'epoch/gradientNorm', step, epoch, value: gradientNorms.at(-1)! },
    ];
  }

  #spreads(values: NamedTensors): RecordedSpread[] {
    const watched = this.#tensors.filter(({ hasHistograms }) => hasHistograms);
    return watched.map(({ name }) => {
      const tensor = values.get(name);
      if (!tensor) return nothingSeen();
      const { low, high, counts } = spreadOf(tensor, bins);
      return {
        low,
        high,
        shares: Uint16Array.from(counts, (count) => Math.round((wholeShare * count) / tensor.length)),
      };
    });
  }
}

const nothingSeen = (): RecordedSpread => ({ low: NaN, high: NaN, shares: new Uint16Array(bins) });
