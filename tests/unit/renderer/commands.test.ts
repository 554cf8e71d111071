import { expect, test, vi } from 'vitest';
import { searchCommands } from '../../../src-renderer/state/command-search.ts';
import { CommandRegistry, type Command } from '../../../src-renderer/state/commands.svelte.ts';

const command = (id: string, more: Partial<Command> = {}): Command => ({
  id,
  label: id,
  group: 'Help',
  run: vi.fn(),
  ...more,
});

test('commands are there while they are registered, and run only when they are possible', () => {
  const registry = new CommandRegistry(false);
  let possible = false;
  const open = command('open', { enabled: () => possible });
  const remove = registry.register([open, command('close')]);
  expect(registry.available.map(({ id }) => id)).toEqual(['close']);
  registry.run('open');
  expect(open.run).not.toHaveBeenCalled();
  possible = true;
  registry.run('open');
  expect(open.run).toHaveBeenCalledTimes(1);
  remove();
  expect(registry.all).toEqual([]);
});

test('of two commands with one id the later counts, and the earlier comes back', () => {
  const registry = new CommandRegistry(false);
  const first = command('zoom');
  const second = command('zoom');
  registry.register([first]);
  const remove = registry.register([second]);
  registry.run('zoom');
  remove();
  registry.run('zoom');
  expect([first.run, second.run].map((run) => vi.mocked(run).mock.calls.length)).toEqual([1, 1]);
});

test('the palette finds by beginnings of words, then by parts, then by scattered letters', () => {
  const commands = ['Import data…', 'Download CIFAR-10…', 'Show the montage of 64 images', 'Use the theme: Dark'].map(
    (label) => command(label),
  );
  const found = (query: string) => searchCommands(commands, query).map(({ label }) => label);
  expect(found('')).toHaveLength(4);
  expect(found('da')).toEqual(['Import data…', 'Use the theme: Dark']);
  expect(found('IMPORT')).toEqual(['Import data…']);
  expect(found('cif')).toEqual(['Download CIFAR-10…']);
  expect(found('use dark')).toEqual(['Use the theme: Dark']);
  expect(found('dwnld')).toEqual(['Download CIFAR-10…']);
  expect(found('xyz')).toEqual([]);
});

test('keywords are found too, after labels', () => {
  const commands = [command('Go to all projects', { keywords: ['home'] }), command('Home key help')];
  expect(searchCommands(commands, 'home').map(({ label }) => label)).toEqual(['Home key help', 'Go to all projects']);
});
