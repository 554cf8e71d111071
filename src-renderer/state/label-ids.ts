/** Ids for labels to come, reserved from the service in blocks so that a new label has its id at once and for good. */
import { FoveaError } from '../../src-main/contract/errors.ts';
import type { AnnotationId } from '../../src-main/contract/model/ids.ts';

const blockSize = 20_000;

interface Block {
  next: number;
  end: number;
}

export class LabelIds {
  readonly #reserve: (count: number) => Promise<AnnotationId>;
  #blocks: Block[] = [];
  #reserving: Promise<void> | null = null;

  constructor(reserve: (count: number) => Promise<AnnotationId>) {
    this.#reserve = reserve;
  }

  /** Before the first `next`. */
  async ready(): Promise<void> {
    if (this.#left() === 0) await this.#refill();
  }

  /** Throws `busy` where all are used up and the service gives no more. */
  next(): AnnotationId {
    if (this.#left() < blockSize / 2) void this.#refill().catch(() => undefined); // tried again at the next call
    const block = this.#blocks[0];
    if (block === undefined)
      throw new FoveaError('busy', 'No new labels can be made until the earlier ones are saved.');
    const id = block.next++;
    if (block.next === block.end) this.#blocks.shift();
    return id as AnnotationId;
  }

  #left(): number {
    return this.#blocks.reduce((sum, { next, end }) => sum + end - next, 0);
  }

  #refill(): Promise<void> {
    this.#reserving ??= this.#reserve(blockSize)
      .then((first) => void this.#blocks.push({ next: first, end: first + blockSize }))
      .finally(() => (this.#reserving = null));
    return this.#reserving;
  }
}
