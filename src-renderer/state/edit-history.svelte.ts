/**
 * Undo and redo over values that are never changed in place. What a person does in one go is one entry: changes of the
 * same gesture follow each other into one, until the gesture ends.
 */
export class EditHistory<T> {
  #past = $state.raw<readonly T[]>([]);
  #future = $state.raw<readonly T[]>([]);
  #gesture: string | null = null;

  readonly canUndo = $derived(this.#past.length > 0);
  readonly canRedo = $derived(this.#future.length > 0);

  /** `gesture` null: a change that stands for itself. */
  record(before: T, gesture: string | null): void {
    if (gesture !== null && gesture === this.#gesture) return;
    this.#past = [...this.#past, before];
    this.#future = [];
    this.#gesture = gesture;
  }

  endGesture(): void {
    this.#gesture = null;
  }

  /** What to go back to; null where there is nothing. */
  undo(now: T): T | null {
    const before = this.#past.at(-1);
    if (before === undefined) return null;
    this.#past = this.#past.slice(0, -1);
    this.#future = [...this.#future, now];
    this.#gesture = null;
    return before;
  }

  redo(now: T): T | null {
    const after = this.#future.at(-1);
    if (after === undefined) return null;
    this.#future = this.#future.slice(0, -1);
    this.#past = [...this.#past, now];
    this.#gesture = null;
    return after;
  }

  clear(): void {
    this.#past = [];
    this.#future = [];
    this.#gesture = null;
  }
}
