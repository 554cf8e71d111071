/** Tells how many images were read, at most twenty times a second. */
import type { ImportMessage } from './messages.ts';

const EVERY_MS = 50;

export class ReadProgress {
  #post: (message: ImportMessage) => void;
  #done = 0;
  #total = 0;
  #lastMs = 0;

  constructor(post: (message: ImportMessage) => void) {
    this.#post = post;
  }

  /** More images are known to come. */
  expect(count: number): void {
    this.#total += count;
  }

  read(count: number, file: string): void {
    this.#done += count;
    const now = performance.now();
    if (now - this.#lastMs < EVERY_MS && this.#done < this.#total) return;
    this.#lastMs = now;
    this.#post({ kind: 'progress', step: `Reading ${file}`, done: this.#done, total: this.#total });
  }
}
