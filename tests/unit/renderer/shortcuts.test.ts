import { expect, test } from 'vitest';
import {
  keyCaps,
  parseShortcut,
  ShortcutMatcher,
  strokeOf,
  type KeyPress,
} from '../../../src-renderer/state/shortcuts.ts';

const plain = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
const press = (key: string, modifiers: Partial<KeyPress> = {}): KeyPress => ({ ...plain, key, ...modifiers });

test.each([
  ['Mod+K', press('k', { ctrlKey: true }), false],
  ['Mod+K', press('k', { metaKey: true }), true],
  ['?', press('?', { shiftKey: true }), false],
  ['+', press('+'), false],
  ['Mod++', press('+', { ctrlKey: true }), false],
  ['Space', press(' '), false],
  ['Shift+ArrowLeft', press('ArrowLeft', { shiftKey: true }), false],
  ['Escape', press('Escape'), false],
])('%s is pressed by %o (Mac: %s)', (shortcut, key, isMac) => {
  expect(parseShortcut(shortcut)).toEqual([strokeOf(key, isMac)]);
});

test.each([
  ['Mod+K', press('k')],
  ['K', press('K', { shiftKey: true })],
  ['ArrowLeft', press('ArrowLeft', { shiftKey: true })],
  ['ArrowLeft', press('ArrowLeft', { altKey: true })],
])('%s is not pressed by %o', (shortcut, key) => {
  expect(parseShortcut(shortcut)).not.toEqual([strokeOf(key, false)]);
});

test('key caps are written as the keyboard shows them', () => {
  expect(keyCaps('Mod+K', false)).toEqual(['Ctrl', 'K']);
  expect(keyCaps('Mod+Shift+ArrowUp', true)).toEqual(['⌘', '⇧', '↑']);
  expect(keyCaps('G D', false)).toEqual(['G', 'D']);
  expect(keyCaps('+', false)).toEqual(['+']);
});

test('a sequence is complete when its strokes follow each other soon enough', () => {
  const matcher = new ShortcutMatcher();
  const shortcuts = ['G D', 'G R', 'D', 'Mod+K'];
  const stroke = (key: string) => strokeOf(press(key), false);
  expect(matcher.press(stroke('g'), shortcuts, 0)).toBeNull();
  expect(matcher.press(stroke('r'), shortcuts, 500)).toBe('G R');
  expect(matcher.press(stroke('d'), shortcuts, 600)).toBe('D');
  expect(matcher.press(stroke('g'), shortcuts, 700)).toBeNull();
  expect(matcher.press(stroke('d'), shortcuts, 5000)).toBe('D');
});

test('a stroke that breaks a sequence off still counts for itself', () => {
  const matcher = new ShortcutMatcher();
  const stroke = (key: string) => strokeOf(press(key), false);
  matcher.press(stroke('g'), ['G D', 'X'], 0);
  expect(matcher.press(stroke('x'), ['G D', 'X'], 10)).toBe('X');
  matcher.press(stroke('g'), ['G D'], 20);
  matcher.press(stroke('g'), ['G D'], 30);
  expect(matcher.press(stroke('d'), ['G D'], 40)).toBe('G D');
});
