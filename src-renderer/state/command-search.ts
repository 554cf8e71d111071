/** Finds commands by a few typed letters: beginnings of words first, then letters in their order. Pure. */
import type { Command } from './commands.svelte.ts';

/** Those that fit, the best first; all of them, in their own order, for an empty query. */
export function searchCommands(commands: readonly Command[], query: string): Command[] {
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return [...commands];
  const scored = commands.map((command) => ({ command, score: scoreOf(command, wanted) }));
  const best = Math.max(0, ...scored.map(({ score }) => score));
  // Scattered letters count only where nothing better is found.
  const tooLow = best > scattered ? scattered : 0;
  return scored
    .filter(({ score }) => score > tooLow)
    .sort((a, b) => b.score - a.score)
    .map(({ command }) => command);
}

const scattered = 1;

/** 0: does not fit. */
function scoreOf(command: Command, wanted: string): number {
  const keywords = [command.group, ...(command.keywords ?? [])].map(
    (text) => scoreText(text.toLowerCase(), wanted) * 0.6,
  );
  return Math.max(scoreText(command.label.toLowerCase(), wanted), ...keywords);
}

function scoreText(text: string, wanted: string): number {
  if (text.startsWith(wanted)) return 5;
  const words = text.split(/[^\p{L}\p{N}]+/u);
  const parts = wanted.split(/\s+/);
  if (parts.every((part) => words.some((word) => word.startsWith(part)))) return 4;
  if (text.includes(wanted)) return 3;
  return hasInOrder(text, wanted.replaceAll(' ', '')) ? scattered : 0;
}

function hasInOrder(text: string, letters: string): boolean {
  let from = 0;
  for (const letter of letters) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}
