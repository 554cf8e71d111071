/**
 * A recorded series that grows while a run trains, in typed arrays that double when full. Pure; knows no run.
 */
import type { Series } from '../../src-main/contract/model/run.ts';

const initialCapacity = 256;

export class GrowableSeries {
  #steps = new Float64Array(initialCapacity);
  #epochs = new Float64Array(initialCapacity);
  #values = new Float64Array(initialCapacity);
  #times = new Float64Array(initialCapacity);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Views, not copies: valid until the next append or replace. */
  get steps(): Float64Array {
    return this.#steps.subarray(0, this.#length);
  }

  get epochs(): Float64Array {
    return this.#epochs.subarray(0, this.#length);
  }

  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }

  /** Training time, ms; NaN where it is not known. */
  get times(): Float64Array {
    return this.#times.subarray(0, this.#length);
  }

  get lastStep(): number {
    return this.#length === 0 ? -1 : this.#steps[this.#length - 1]!;
  }

  /** A step that is already there means that the run went on from an earlier checkpoint: what followed is dropped. */
  append(step: number, epoch: number, value: number, elapsedMs: number | null): void {
    while (this.#length > 0 && this.#steps[this.#length - 1]! >= step) this.#length--;
    this.#reserve(this.#length + 1);
    this.#steps[this.#length] = step;
    this.#epochs[this.#length] = epoch;
    this.#values[this.#length] = value;
    this.#times[this.#length] = elapsedMs ?? Number.NaN;
    this.#length++;
  }

  replace(series: Pick<Series, 'steps' | 'epochs' | 'values' | 'times'>): void {
    this.#length = 0;
    this.#reserve(series.steps.length);
    this.#steps.set(series.steps);
    this.#epochs.set(series.epochs);
    this.#values.set(series.values);
    this.#times.set(series.times);
    this.#length = series.steps.length;
  }

  #reserve(capacity: number): void {
    let size = this.#steps.length;
    if (capacity <= size) return;
    while (size < capacity) size *= 2;
    this.#steps = grown(this.#steps, size);
    this.#epochs = grown(this.#epochs, size);
    this.#values = grown(this.#values, size);
    this.#times = grown(this.#times, size);
  }
}

function grown(array: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(size);
  larger.set(array);
  return larger;
}
