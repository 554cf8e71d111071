/**
 * View state that outlives the session: panel sizes, the grid's thumbnail size, the last data set. Changes show at once
 * and are written after a short rest, so that dragging a splitter does not write at every pixel.
 */
import { SvelteMap } from 'svelte/reactivity';

type Value = string | number | boolean;
type Write = (view: Record<string, Value>) => Promise<void>;

const restMs = 400;

export class ViewSettings {
  readonly #write: Write;
  readonly #values = new SvelteMap<string, Value>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(write: Write) {
    this.#write = write;
  }

  /** What the service has kept. A value changed here and not yet written stays as it is here. */
  take(view: Readonly<Record<string, Value>>): void {
    if (this.#timer !== null) return;
    for (const [key, value] of Object.entries(view)) this.#values.set(key, value);
  }

  number(key: string, fallback: number): number {
    const value = this.#values.get(key);
    return typeof value === 'number' ? value : fallback;
  }

  text(key: string, fallback: string): string {
    const value = this.#values.get(key);
    return typeof value === 'string' ? value : fallback;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#values.get(key);
    return typeof value === 'boolean' ? value : fallback;
  }

  set(key: string, value: Value): void {
    if (this.#values.get(key) === value) return;
    this.#values.set(key, value);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), restMs);
  }

  #save(): void {
    this.#timer = null;
    // A panel's size is worth no error message; the next change tries again.
    this.#write(Object.fromEntries(this.#values)).catch(() => {});
  }
}
