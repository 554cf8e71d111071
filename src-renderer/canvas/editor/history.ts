/**
 * Undo and redo of one image's gestures: one gesture, one entry, without end. Entries name what was before and after, and
 * labels never change in place, so that going back costs nothing but the entry.
 */
import type { Commit, EditOperation } from './types.ts';

export type HistoryEntry = Omit<Commit, 'kind'>;

export class History {
  #entries: HistoryEntry[] = [];
  /** Entries before this place are done, those from it on are undone. */
  #done = 0;

  get canUndo(): boolean {
    return this.#done > 0;
  }

  get canRedo(): boolean {
    return this.#done < this.#entries.length;
  }

  /** What is undone can then not be done again. */
  push(entry: HistoryEntry): void {
    this.#entries.length = this.#done;
    this.#entries.push(entry);
    this.#done++;
  }

  /** The entry to take back; null where there is none. */
  undo(): HistoryEntry | null {
    if (!this.canUndo) return null;
    this.#done--;
    return this.#entries[this.#done] ?? null;
  }

  redo(): HistoryEntry | null {
    const entry = this.#entries[this.#done];
    if (entry === undefined) return null;
    this.#done++;
    return entry;
  }

  /** The gesture that `undo`, or `redo`, would give. */
  next(direction: 'undo' | 'redo'): HistoryEntry | null {
    return this.#entries[direction === 'undo' ? this.#done - 1 : this.#done] ?? null;
  }

  clear(): void {
    this.#entries = [];
    this.#done = 0;
  }
}

/** What takes the operations back, in the opposite order. */
export function inverse(operations: readonly EditOperation[]): EditOperation[] {
  return operations
    .map((operation): EditOperation => {
      switch (operation.kind) {
        case 'add':
          return { kind: 'remove', before: operation.after };
        case 'remove':
          return { kind: 'add', after: operation.before };
        case 'update':
          return { kind: 'update', before: operation.after, after: operation.before };
        case 'review':
          return { kind: 'review', before: operation.after, after: operation.before };
      }
    })
    .reverse();
}
