/** How learned kernels are looked at: which checkpoint and layer, which channels, on which scale, how large. */
import type { CheckpointName, KernelSet } from '../../src-main/contract/model/run.ts';
import { defaultMode, magnitude, usualWeightPx, type KernelMode, type Tile } from './kernel-picture.ts';

export class KernelView {
  checkpoint = $state<CheckpointName>('last');
  layer = $state(0);
  /** True: one scale for the whole layer, so that strong kernels look strong. False: each kernel uses the full scale. */
  commonScale = $state(true);
  /** Null until the person chooses a size: then the one that fits the layer. */
  #weightPx = $state<number | null>(null);
  selected = $state.raw<Tile | null>(null);
  #mode = $state<KernelMode | null>(null);

  chooseLayer(layer: number): void {
    this.layer = layer;
    this.#mode = null;
    this.#weightPx = null;
    this.selected = null;
  }

  /** Screen pixels per weight. */
  weightPxOf(set: KernelSet, availablePx: number): number {
    return this.#weightPx ?? usualWeightPx(set, this.modeOf(set), availablePx);
  }

  chooseWeightPx(weightPx: number): void {
    this.#weightPx = weightPx;
  }

  /** The mode that fits the layer until the person chooses another. */
  modeOf(set: KernelSet): KernelMode {
    return this.#mode ?? defaultMode(set);
  }

  chooseMode(mode: KernelMode): void {
    this.#mode = mode;
    this.#weightPx = null;
    this.selected = null;
  }

  /** The value at the ends of the common scale; null where each kernel has its own. */
  limitOf(set: KernelSet): number | null {
    return this.commonScale ? magnitude(set.values) : null;
  }
}
