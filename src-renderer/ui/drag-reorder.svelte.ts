/** Dragging an item of a vertical list to another place by a grip. The list draws where it would land; Escape ends it. */

export class DragReorder {
  /** The item on its way: from where, and before which one it would be put (the number of items: at the end). */
  #drag = $state<{ from: number; before: number } | null>(null);
  readonly #items: () => readonly HTMLElement[];
  readonly #move: (from: number, to: number) => void;

  /** `items` are the list's elements in their order; `move` gets the place that the item has afterwards. */
  constructor(items: () => readonly HTMLElement[], move: (from: number, to: number) => void) {
    this.#items = items;
    this.#move = move;
  }

  isDragged(index: number): boolean {
    return this.#drag?.from === index;
  }

  /** Whether the item would land in front of this one. */
  landsBefore(index: number): boolean {
    const drag = this.#drag;
    return drag !== null && drag.before === index && drag.before !== drag.from && drag.before !== drag.from + 1;
  }

  begin(event: PointerEvent, from: number): void {
    if (event.button !== 0) return;
    event.preventDefault();
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.#drag = { from, before: from };
  }

  follow = (event: PointerEvent): void => {
    if (this.#drag === null) return;
    const middles = this.#items().map((item) => {
      const { top, height } = item.getBoundingClientRect();
      return top + height / 2;
    });
    const below = middles.findIndex((middle) => event.clientY < middle);
    this.#drag = { ...this.#drag, before: below === -1 ? middles.length : below };
  };

  end = (): void => {
    if (this.#drag === null) return;
    const { from, before } = this.#drag;
    this.#drag = null;
    this.#move(from, before > from ? before - 1 : before);
  };

  cancel = (): void => {
    this.#drag = null;
  };
}
