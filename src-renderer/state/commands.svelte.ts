/**
 * Every action that has a name: the palette, menus, buttons' key hints, the cheat sheet and the keyboard all read this
 * one list. Whoever owns an action registers it while it is possible.
 */
import { createSubscriber } from 'svelte/reactivity';
import { ShortcutMatcher, strokeOf } from './shortcuts.ts';

export const commandGroups = ['Go to', 'Project', 'Data', 'Annotate', 'Train', 'Runs', 'View', 'Help'] as const;
export type CommandGroup = (typeof commandGroups)[number];

export interface Command {
  /** "data.import": unique among the registered. */
  id: string;
  /** A verb first: "Import data…". An ellipsis where more is asked before anything happens. */
  label: string;
  group: CommandGroup;
  /** See shortcuts.ts: "Mod+K", "?", "G D". */
  shortcut?: string;
  /** Reactive; absent means always. */
  enabled?: () => boolean;
  /** Found by the palette's search beside the label. */
  keywords?: readonly string[];
  run: () => void;
}

/** Where a person's own keys come from. */
interface KeyBinding {
  /** Undefined: as the command says; null: none. Reactive. */
  shortcutOf?: (command: Command) => string | null | undefined;
}

export class CommandRegistry {
  readonly isMac: boolean;
  /** Plain, because a teardown of an effect reads the state's old value and would bring back what is gone. */
  #commands: readonly Command[] = [];
  #changed = createSubscriber((update) => {
    this.#announce = update;
  });
  #announce: () => void = () => {};
  readonly #matcher = new ShortcutMatcher();
  /** The person's own keys. */
  readonly #keys: KeyBinding;

  constructor(isMac: boolean, keys: KeyBinding = {}) {
    this.isMac = isMac;
    this.#keys = keys;
  }

  /** With the shortcuts that hold, which may be the person's own. */
  get all(): readonly Command[] {
    this.#changed();
    return this.#commands.map((command) => this.#bound(command));
  }

  /** The shortcut of a command that is registered now. */
  shortcutOf(id: string): string | undefined {
    return this.#find(id)?.shortcut;
  }

  #bound(command: Command): Command {
    const own = this.#keys.shortcutOf?.(command);
    if (own === undefined) return command;
    const { shortcut: _given, ...others } = command;
    return own === null ? others : { ...others, shortcut: own };
  }

  /** Returns a function that takes them off again. The latest registration of an id wins while it stands. */
  register(commands: readonly Command[]): () => void {
    this.#commands = [...this.#commands, ...commands];
    this.#announce();
    return () => {
      this.#commands = this.#commands.filter((command) => !commands.includes(command));
      this.#announce();
    };
  }

  /** Those that can run now. */
  get available(): readonly Command[] {
    return this.all.filter((command) => command.enabled?.() ?? true);
  }

  run(id: string): void {
    const command = this.#find(id);
    if (command !== undefined && (command.enabled?.() ?? true)) command.run();
  }

  /** Runs the command whose shortcut the stroke completes; leaves typing and open dialogs alone. */
  handleKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || isModifier(event.key)) return;
    const stroke = strokeOf(event, this.isMac);
    if (insideDialog(event.target) || isModalOpen() || (!stroke.mod && takesKey(event.target, event.key))) return;
    if (stroke.mod && isTyping(event.target) && editingKeys.has(stroke.key)) return;
    const available = this.available;
    const shortcuts = available.flatMap((command) => command.shortcut ?? []);
    const completed = this.#matcher.press(stroke, shortcuts, event.timeStamp);
    if (completed === null) return;
    event.preventDefault();
    available.findLast((command) => command.shortcut === completed)?.run();
  }

  #find(id: string): Command | undefined {
    this.#changed();
    const command = this.#commands.findLast((candidate) => candidate.id === id);
    return command === undefined ? undefined : this.#bound(command);
  }
}

function isModifier(key: string): boolean {
  return key === 'Control' || key === 'Shift' || key === 'Alt' || key === 'Meta';
}

function insideDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role="dialog"], [role="alertdialog"]') !== null;
}

/** A dialog that has just opened may not have the focus yet; what is typed is meant for it all the same. */
function isModalOpen(): boolean {
  return document.querySelector('[aria-modal="true"][data-state="open"]') !== null;
}

/** With Ctrl or Cmd they copy, paste, select and undo text where text is being typed. */
const editingKeys: ReadonlySet<string> = new Set(['a', 'c', 'v', 'x', 'y', 'z']);
const typing = 'input:not([type="range"], [type="checkbox"]), textarea, [contenteditable="true"]';

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(typing) !== null;
}

/** Fields take every key, a menu or list its letters, a slider its arrows, and Space and Enter press what has the focus. */
function takesKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  const taking = 'input:not([type="range"]), textarea, select, [contenteditable="true"], [role="menu"]';
  if (target.closest(taking) !== null) return true;
  if (key === ' ' || key === 'Enter') return target.closest('button, a, summary') !== null;
  return key.startsWith('Arrow') && target.closest('input[type="range"], [role="separator"]') !== null;
}
