/** Holds back what comes too often: collects values and passes them on at most once an interval, the last one always. */

export class Pacer<T> {
  #intervalMs: number;
  #merge: (waiting: T, next: T) => T;
  #pass: (value: T) => void;
  #waiting: { value: T } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #lastPassMs = -Infinity;

  constructor(intervalMs: number, merge: (waiting: T, next: T) => T, pass: (value: T) => void) {
    this.#intervalMs = intervalMs;
    this.#merge = merge;
    this.#pass = pass;
  }

  add(value: T): void {
    this.#waiting = { value: this.#waiting ? this.#merge(this.#waiting.value, value) : value };
    const waitMs = this.#lastPassMs + this.#intervalMs - performance.now();
    if (waitMs <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), waitMs);
  }

  /** Passes on now what is waiting, so that what follows comes after it. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#waiting) return;
    const { value } = this.#waiting;
    this.#waiting = null;
    this.#lastPassMs = performance.now();
    this.#pass(value);
  }
}
