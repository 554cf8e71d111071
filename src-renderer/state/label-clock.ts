/** How long a person is at work on an image: pauses are left out. Told of each sign of life; times in ms. */
const longestPauseMs = 30_000;

export class LabelClock {
  readonly #now: () => number;
  #last: number | null = null;
  #sumMs = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  touch(): void {
    const now = this.#now();
    if (this.#last !== null) this.#sumMs += Math.min(now - this.#last, longestPauseMs);
    this.#last = now;
  }

  get sumMs(): number {
    return this.#sumMs;
  }

  /** The time since the last call. Begins anew. */
  take(): number {
    const sum = this.#sumMs;
    this.#sumMs = 0;
    this.#last = null;
    return sum;
  }
}
