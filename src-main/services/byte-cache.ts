/** Keeps the results that were asked for last, up to a number of bytes. Two askers at once share one piece of work. */

export class ByteCache<Value> {
  #capacityBytes: number;
  #sizeOf: (value: Value) => number;
  #usedBytes = 0;
  /** In the order of last use. */
  #kept = new Map<string, Value>();
  #pending = new Map<string, Promise<Value>>();

  constructor(capacityBytes: number, sizeOf: (value: Value) => number) {
    this.#capacityBytes = capacityBytes;
    this.#sizeOf = sizeOf;
  }

  /** A failure of `make` is handed on and not kept. */
  async get(key: string, make: () => Promise<Value>): Promise<Value> {
    const known = this.find(key);
    if (known !== undefined) return known;
    const pending = this.#pending.get(key);
    if (pending) return pending;
    const making = this.#make(key, make).finally(() => this.#pending.delete(key));
    this.#pending.set(key, making);
    return making;
  }

  /** What is kept under the key. */
  find(key: string): Value | undefined {
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
    }
    return known;
  }

  /** For what was made elsewhere. */
  keep(key: string, value: Value): void {
    const before = this.#kept.get(key);
    if (before !== undefined) this.#usedBytes -= this.#sizeOf(before);
    this.#kept.delete(key);
    this.#kept.set(key, value);
    this.#usedBytes += this.#sizeOf(value);
    for (const [oldKey, old] of this.#kept) {
      if (this.#usedBytes <= this.#capacityBytes) return;
      this.#kept.delete(oldKey);
      this.#usedBytes -= this.#sizeOf(old);
    }
  }

  async #make(key: string, make: () => Promise<Value>): Promise<Value> {
    const value = await make();
    this.keep(key, value);
    return value;
  }
}
