/** Keeps the results that were asked for last, up to a number of bytes. Two askers at once share one piece of work. */

export class ByteCache {
  #capacityBytes: number;
  #usedBytes = 0;
  /** In the order of last use. */
  #kept = new Map<string, Uint8Array>();
  #pending = new Map<string, Promise<Uint8Array>>();

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
  }

  /** A failure of `make` is handed on and not kept. */
  async get(key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.#kept.get(key);
    if (known) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return known;
    }
    const pending = this.#pending.get(key);
    if (pending) return pending;
    const making = this.#make(key, make).finally(() => this.#pending.delete(key));
    this.#pending.set(key, making);
    return making;
  }

  async #make(key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const bytes = await make();
    this.#keep(key, bytes);
    return bytes;
  }

  #keep(key: string, bytes: Uint8Array): void {
    this.#kept.set(key, bytes);
    this.#usedBytes += bytes.length;
    for (const [oldKey, old] of this.#kept) {
      if (this.#usedBytes <= this.#capacityBytes) return;
      this.#kept.delete(oldKey);
      this.#usedBytes -= old.length;
    }
  }
}
