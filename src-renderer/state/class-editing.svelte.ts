/** Changing a data set's classes: what is chosen, what they have, and what an edit would do, said before it is done. */
import type { ClassEdit, ClassUsage } from '../../src-main/contract/model/class-edit.ts';
import type { Category } from '../../src-main/contract/model/dataset.ts';
import type { CategoryId } from '../../src-main/contract/model/ids.ts';
import type { AnnotateState } from './annotate-state.svelte.ts';
import { LatestAnswer } from './latest-answer.ts';

export type ClassTab = 'classes' | 'skeletons' | 'attributes';

/** An edit that takes labels with it, and waits for a yes. */
export interface AskedEdit {
  readonly edit: ClassEdit;
  readonly title: string;
  readonly consequence: string;
  readonly action: string;
}

export class ClassEditing {
  readonly #annotate: AnnotateState;
  /** Null while it is being counted. */
  usage = $state.raw<ReadonlyMap<CategoryId, ClassUsage> | null>(null);
  chosen = $state.raw<ReadonlySet<CategoryId>>(new Set());
  asked = $state.raw<AskedEdit | null>(null);
  readonly #counting = new LatestAnswer();

  constructor(annotate: AnnotateState) {
    this.#annotate = annotate;
  }

  get categories(): readonly Category[] {
    return this.#annotate.dataset.categories;
  }

  async count(): Promise<void> {
    await this.#counting.to(
      this.#annotate.classUsage(),
      (usage) => (this.usage = new Map(usage.map((of) => [of.categoryId, of]))),
    );
  }

  toggle(categoryId: CategoryId): void {
    const chosen = new Set(this.chosen);
    if (!chosen.delete(categoryId)) chosen.add(categoryId);
    this.chosen = chosen;
  }

  /** Those that are chosen and still there, in their order. */
  get chosenIds(): CategoryId[] {
    return this.categories.flatMap(({ categoryId }) => (this.chosen.has(categoryId) ? [categoryId] : []));
  }

  async edit(edit: ClassEdit): Promise<void> {
    await this.#annotate.editClasses(edit);
    this.chosen = new Set(this.chosenIds);
    await this.count();
  }

  /** To a place in the list; false where it is there already. */
  async move(categoryId: CategoryId, place: number): Promise<boolean> {
    const from = this.categories.findIndex((category) => category.categoryId === categoryId);
    const to = Math.max(0, Math.min(this.categories.length - 1, place));
    if (from === -1 || from === to) return false;
    await this.edit({ kind: 'move', categoryId, place: to });
    return true;
  }

  askToRemove(categoryIds: readonly CategoryId[]): void {
    const isOne = categoryIds.length === 1;
    const them = isOne ? 'it' : 'them';
    this.asked = {
      edit: { kind: 'remove', categoryIds: [...categoryIds] },
      title: isOne ? `Delete the class ${this.#namesOf(categoryIds)}?` : `Delete ${categoryIds.length} classes?`,
      consequence: `${this.#labelsOf(categoryIds, `goes with ${them}`, `go with ${them}`)} Undo brings all of it back.`,
      action: 'Delete',
    };
  }

  askToMerge(categoryIds: readonly CategoryId[], into: CategoryId): void {
    const from = categoryIds.filter((categoryId) => categoryId !== into);
    const [names, target] = [this.#namesOf(from), this.#namesOf([into])];
    const labels = this.#labelsOf(from, `becomes ${target}`, `become ${target}`);
    this.asked = {
      edit: { kind: 'merge', from, into },
      title: `Merge ${names} into ${target}?`,
      consequence: `${labels} ${names} ${from.length === 1 ? 'is' : 'are'} then gone. Undo brings all of it back.`,
      action: 'Merge',
    };
  }

  async confirm(): Promise<void> {
    const asked = this.asked;
    if (asked !== null) await this.edit(asked.edit);
  }

  #namesOf(categoryIds: readonly CategoryId[]): string {
    const names = categoryIds.map(
      (wanted) => this.categories.find(({ categoryId }) => categoryId === wanted)?.name ?? String(wanted),
    );
    const shown = names.slice(0, 3).map((name) => `“${name}”`);
    const rest = names.length - shown.length;
    return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ').replace(/, ([^,]*)$/, ' and $1');
  }

  #labelsOf(categoryIds: readonly CategoryId[], one: string, many: string): string {
    const of = categoryIds.flatMap((categoryId) => this.usage?.get(categoryId) ?? []);
    const labels = of.reduce((sum, usage) => sum + usage.labels, 0);
    if (labels === 0) return 'No label has it.';
    const images = of.length === 1 ? (of[0]?.images ?? 0) : null;
    // The same image may have labels of several classes: then it is not known here how many images there are.
    const where = images === null ? '' : ` on ${images.toLocaleString('en')} ${images === 1 ? 'image' : 'images'}`;
    return `${labels.toLocaleString('en')} ${labels === 1 ? 'label' : 'labels'}${where} ${labels === 1 ? one : many}.`;
  }
}
