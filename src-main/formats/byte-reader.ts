/** Reads exact amounts from chunks of any size, and knows the offset. Pure: the chunks may come from anywhere. */

export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export class ByteReader {
  #chunks: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #offset = 0;

  constructor(chunks: ByteChunks) {
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Fills `target` from its beginning; returns how many bytes there were, fewer than its length only at the end. */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length && (await this.#available())) {
      const piece = this.#rest.subarray(0, target.length - filled);
      target.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    this.#offset += filled;
    return filled;
  }

  /** Reads on to the end; returns how many bytes were left. */
  async skipRest(): Promise<number> {
    let skipped = 0;
    while (await this.#available()) {
      skipped += this.#rest.length;
      this.#rest = this.#rest.subarray(this.#rest.length);
    }
    this.#offset += skipped;
    return skipped;
  }

  async #available(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#rest = next.value;
    }
    return true;
  }
}
