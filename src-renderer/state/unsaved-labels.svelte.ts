/**
 * Changes of labels that are not on the disk yet, of every visit to the annotation screen: they go on being saved when it is
 * left, and where they cannot be, the person is told wherever they are.
 */
import type { LabelSession } from './label-session.svelte.ts';

export class UnsavedLabels {
  #sessions = $state.raw<readonly LabelSession[]>([]);
  /** Those that try again, or wait for the person. */
  readonly stuck: readonly LabelSession[] = $derived(
    this.#sessions.filter(({ saving }) => saving === 'retrying' || saving === 'failed'),
  );

  add(session: LabelSession): void {
    const others = this.#sessions.filter((other) => other !== session && other.unsavedCount > 0);
    this.#sessions = [...others, session];
  }
}
