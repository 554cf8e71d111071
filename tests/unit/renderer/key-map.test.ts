import { expect, test, vi } from 'vitest';
import { CommandRegistry, type Command } from '../../../src-renderer/state/commands.svelte.ts';
import { conflictsOf, KeyMap } from '../../../src-renderer/state/key-map.svelte.ts';
import { keyPresets, type KeyPresetId } from '../../../src-renderer/state/key-presets.ts';
import { sameShortcut, writeShortcut } from '../../../src-renderer/state/shortcuts.ts';
import { ViewSettings } from '../../../src-renderer/state/view-settings.svelte.ts';
import { annotateCommands } from '../../../src-renderer/features/annotate/annotate-commands.ts';
import { railEntries } from '../../../src-renderer/features/shell/screens.ts';

const command = (id: string, shortcut?: string): Command => ({
  id,
  label: id,
  group: 'Annotate',
  ...(shortcut === undefined ? {} : { shortcut }),
  run: vi.fn(),
});

test('D means the next image to some and the one before to others', () => {
  const keys = new KeyMap(new ViewSettings(async () => {}));
  const registry = new CommandRegistry(false, keys);
  registry.register([command('annotate.next', 'D'), command('annotate.previous', 'A')]);
  expect(registry.shortcutOf('annotate.next')).toBe('D');
  keys.preset = 'cvat';
  expect(registry.shortcutOf('annotate.next')).toBe('F');
  expect(registry.shortcutOf('annotate.previous')).toBe('D');
});

test("a person's own key goes before the preset, can be none, and can be taken back", () => {
  const keys = new KeyMap(new ViewSettings(async () => {}));
  const registry = new CommandRegistry(false, keys);
  registry.register([command('annotate.next', 'D')]);
  keys.preset = 'cvat';
  keys.set('annotate.next', 'Mod+J');
  expect(registry.shortcutOf('annotate.next')).toBe('Mod+J');
  expect(registry.available.map(({ shortcut }) => shortcut)).toEqual(['Mod+J']);
  keys.set('annotate.next', null);
  expect(registry.shortcutOf('annotate.next')).toBeUndefined();
  keys.reset('annotate.next');
  expect(registry.shortcutOf('annotate.next')).toBe('F');
});

test('a conflict is the same key, or a key that begins a sequence', () => {
  const commands = [command('a', 'D'), command('b', 'd'), command('c', 'G D'), command('e', 'Mod+D')];
  expect(conflictsOf('D', 'a', commands).map(({ id }) => id)).toEqual(['b']);
  expect(conflictsOf('G', 'a', commands).map(({ id }) => id)).toEqual(['c']);
  expect(conflictsOf('Mod+D', 'a', commands).map(({ id }) => id)).toEqual(['e']);
});

test.each(['a', 'A', 'Escape', ' ', '?', '+', 'ArrowLeft'])(
  'a pressed key is written so that it is read back: %s',
  (key) => {
    const pressed = { key, ctrlKey: true, metaKey: false, altKey: false, shiftKey: key === 'A' };
    const written = writeShortcut(pressed, false)!;
    expect(sameShortcut(written, key === ' ' ? 'Mod+Space' : `Mod+${key === 'A' ? 'Shift+' : ''}${key}`)).toBe(true);
  },
);

test.each(Object.keys(keyPresets) as KeyPresetId[])('no two commands of the editor share a key: %s', (preset) => {
  const keys = new KeyMap(new ViewSettings(async () => {}));
  keys.preset = preset;
  const annotate = { view: {}, mirror: { selection: new Set() }, labels: { editor: {} } };
  const registry = new CommandRegistry(false, keys);
  registry.register(annotateCommands(annotate as never, {} as never));
  registry.register([command('help.palette', 'Mod+K'), command('help.keys', '?'), command('project.open', 'Mod+O')]);
  registry.register([command('view.inspector', 'Mod+I'), command('go.devices', 'G V'), command('go.start', 'G H')]);
  registry.register(railEntries.map(({ label, shortcut }) => command(`go.${label}`, shortcut)));
  const clashes = registry.all.flatMap(({ id, shortcut }) =>
    shortcut === undefined ? [] : conflictsOf(shortcut, id, registry.all).map((other) => `${id} and ${other.id}`),
  );
  expect(clashes).toEqual([]);
  const unknown = Object.keys(keyPresets[preset].keys).filter((id) => registry.all.every((one) => one.id !== id));
  expect(unknown).toEqual([]);
});
