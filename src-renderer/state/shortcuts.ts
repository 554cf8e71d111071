/**
 * Keyboard shortcuts as text: "Mod+K" (Mod is Ctrl, on a Mac Cmd), "?", "ArrowLeft", and sequences of strokes parted by
 * a space, "G D". Parses, prints and matches them; knows no command.
 */

/** A character key carries its Shift in itself ("?" not "Shift+/"), so Shift counts for named keys only. */
export interface Stroke {
  key: string;
  mod: boolean;
  alt: boolean;
  shift: boolean;
}

/** The part of a KeyboardEvent that is looked at. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

export function parseShortcut(text: string): Stroke[] {
  return text.split(' ').map(parseStroke);
}

function parseStroke(text: string): Stroke {
  const { modifiers, key } = splitStroke(text);
  const has = (modifier: string) => modifiers.includes(modifier);
  return normalise({ key: key === 'Space' ? ' ' : key, mod: has('Mod'), alt: has('Alt'), shift: has('Shift') });
}

/** "Mod+K" → Mod, K; the plus key itself is "+" or "Mod++". */
function splitStroke(text: string): { modifiers: string[]; key: string } {
  const end = text.slice(0, -1).lastIndexOf('+');
  return { modifiers: end < 0 ? [] : text.slice(0, end).split('+'), key: text.slice(end + 1) };
}

export function strokeOf(press: KeyPress, isMac: boolean): Stroke {
  const mod = isMac ? press.metaKey : press.ctrlKey;
  return normalise({ key: press.key, mod, alt: press.altKey, shift: press.shiftKey });
}

function normalise(stroke: Stroke): Stroke {
  const isCharacter = stroke.key.length === 1 && stroke.key !== ' ';
  const isLetter = isCharacter && stroke.key.toLowerCase() !== stroke.key.toUpperCase();
  return { ...stroke, key: stroke.key.toLowerCase(), shift: stroke.shift && (isLetter || !isCharacter) };
}

function sameStroke(a: Stroke, b: Stroke): boolean {
  return a.key === b.key && a.mod === b.mod && a.alt === b.alt && a.shift === b.shift;
}

/** Whether two shortcuts are the same keys, however they are written. */
export function sameShortcut(a: string, b: string): boolean {
  const [first, second] = [parseShortcut(a), parseShortcut(b)];
  return first.length === second.length && startsWith(first, second);
}

/** Whether `beginning` is a true beginning of the sequence `whole`, so that pressing it would wait for more. */
export function startsShortcut(beginning: string, whole: string): boolean {
  const [first, second] = [parseShortcut(beginning), parseShortcut(whole)];
  return first.length < second.length && startsWith(second, first);
}

/** A pressed key as a shortcut is written: "Mod+Shift+Z"; null for a modifier alone. */
export function writeShortcut(press: KeyPress, isMac: boolean): string | null {
  if (['Control', 'Shift', 'Alt', 'Meta'].includes(press.key)) return null;
  const { key, mod, alt, shift } = strokeOf(press, isMac);
  const named = press.key === ' ' ? 'Space' : key.length === 1 ? key.toUpperCase() : press.key;
  return [...(mod ? ['Mod'] : []), ...(alt ? ['Alt'] : []), ...(shift ? ['Shift'] : []), named].join('+');
}

/** How each key is written on a cap: ["Ctrl", "K"]; a sequence's strokes follow each other. */
export function keyCaps(shortcut: string, isMac: boolean): string[] {
  return shortcut.split(' ').flatMap((stroke) => {
    const { modifiers, key } = splitStroke(stroke);
    return [...modifiers, key].map((part) => capOf(part, isMac));
  });
}

function capOf(part: string, isMac: boolean): string {
  const mac: Record<string, string> = { Mod: '⌘', Alt: '⌥', Shift: '⇧' };
  const everywhere: Record<string, string> = {
    Mod: 'Ctrl',
    ArrowLeft: '←',
    ArrowRight: '→',
    ArrowUp: '↑',
    ArrowDown: '↓',
    Escape: 'Esc',
  };
  return (isMac ? mac[part] : undefined) ?? everywhere[part] ?? part;
}

const sequencePauseMs = 1200;

/** Remembers the strokes of a sequence that has begun. */
export class ShortcutMatcher {
  #strokes: Stroke[] = [];
  #lastMs = -Infinity;

  /** Returns the shortcut that this stroke completes, or null. `nowMs`: any monotonic clock. */
  press(stroke: Stroke, shortcuts: readonly string[], nowMs: number): string | null {
    if (nowMs - this.#lastMs > sequencePauseMs) this.#strokes = [];
    this.#lastMs = nowMs;
    for (const strokes of [[...this.#strokes, stroke], [stroke]]) {
      const begun = shortcuts.filter((shortcut) => startsWith(parseShortcut(shortcut), strokes));
      if (begun.length === 0) continue;
      const complete = begun.find((shortcut) => parseShortcut(shortcut).length === strokes.length);
      this.#strokes = complete === undefined ? strokes : [];
      return complete ?? null;
    }
    this.#strokes = [];
    return null;
  }
}

function startsWith(whole: Stroke[], beginning: Stroke[]): boolean {
  return beginning.every((stroke, index) => {
    const other = whole[index];
    return other !== undefined && sameStroke(stroke, other);
  });
}
