/**
 * Which keys do what: a preset, and above it what the person chose for single commands. Kept with the view settings, by
 * command: "keys.annotate.next" = "D". Two commands of one screen that want the same key are a conflict, and named.
 */
import type { Command } from './commands.svelte.ts';
import { keyPresets, type KeyPresetId } from './key-presets.ts';
import { sameShortcut, startsShortcut } from './shortcuts.ts';
import type { ViewSettings } from './view-settings.svelte.ts';

/** Stands for "the person's own choice is: no key". */
const noKey = 'none';
/** Stands for "no choice of one's own": settings cannot be taken away. */
const notChosen = '';

export class KeyMap {
  readonly #settings: ViewSettings;

  constructor(settings: ViewSettings) {
    this.#settings = settings;
  }

  get preset(): KeyPresetId {
    const name = this.#settings.text('keys.preset', 'fovea');
    return (Object.keys(keyPresets) as KeyPresetId[]).find((id) => id === name) ?? 'fovea';
  }

  set preset(id: KeyPresetId) {
    this.#settings.set('keys.preset', id);
  }

  /** Undefined: as the command says; null: none. */
  shortcutOf = ({ id }: Pick<Command, 'id'>): string | null | undefined => {
    const own = this.#settings.text(`keys.${id}`, notChosen);
    if (own !== notChosen) return own === noKey ? null : own;
    return keyPresets[this.preset].keys[id];
  };

  /** Whether the person chose the command's key alone. */
  isOwn(id: string): boolean {
    return this.#settings.text(`keys.${id}`, notChosen) !== notChosen;
  }

  /** Null: no key. */
  set(id: string, shortcut: string | null): void {
    this.#settings.set(`keys.${id}`, shortcut ?? noKey);
  }

  /** Back to what the preset says. */
  reset(id: string): void {
    this.#settings.set(`keys.${id}`, notChosen);
  }
}

/**
 * Commands that the shortcut would stand in the way of, or that stand in its way: the same keys, or the beginning of a
 * sequence. `commands`: those of one screen, with the keys that hold.
 */
export function conflictsOf(shortcut: string, id: string, commands: readonly Command[]): Command[] {
  return commands.filter(
    (other) =>
      other.id !== id &&
      other.shortcut !== undefined &&
      (sameShortcut(other.shortcut, shortcut) ||
        startsShortcut(other.shortcut, shortcut) ||
        startsShortcut(shortcut, other.shortcut)),
  );
}
