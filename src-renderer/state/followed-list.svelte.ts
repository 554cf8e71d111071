/**
 * A list of the main process's that the window holds a copy of. What is changed while a reading is on its way holds for its
 * answer too, which may be from before the change.
 */
import { LatestAnswer } from './latest-answer.ts';

type Change<T> = (all: readonly T[]) => readonly T[];

export class FollowedList<T> {
  readonly #fetch: () => Promise<readonly T[]>;
  /** Null until the first answer. */
  all = $state.raw<readonly T[] | null>(null);
  /** Why the latest reading failed. */
  error = $state.raw<unknown>(null);
  readonly #reading = new LatestAnswer();
  /** Made since the latest reading began; null where none is on its way. */
  #meanwhile: Change<T>[] | null = null;

  constructor(fetch: () => Promise<readonly T[]>) {
    this.#fetch = fetch;
  }

  read(): Promise<void> {
    const meanwhile: Change<T>[] = [];
    this.#meanwhile = meanwhile;
    return this.#reading.to(
      this.#fetch(),
      (all) => {
        this.all = meanwhile.reduce((list, change) => change(list), all);
        this.error = null;
        this.#meanwhile = null;
      },
      (error) => {
        this.error = error;
        this.#meanwhile = null;
      },
    );
  }

  protected change(by: Change<T>): void {
    this.#meanwhile?.push(by);
    if (this.all !== null) this.all = by(this.all);
  }
}
