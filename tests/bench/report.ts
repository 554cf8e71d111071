/** How a bench's outcome is printed: a table for the person and, as the last line, one line of JSON. */
import type { BenchOutcome, JudgedBar, Verdict } from './bench.ts';
import type { MachineFacts } from './machine.ts';

export function table({ figures, notes }: BenchOutcome, verdict: Verdict, machine: MachineFacts): string {
  const rows = figures.map(({ name, value, explanation }) => [
    name,
    value === null ? '–' : readable(value),
    barText(verdict.bars.find(({ figure }) => figure === name)),
    explanation,
  ]);
  const header = ['figure', 'measured', 'bar', ''];
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => pad(cell, widths[column] ?? 0, column))
      .join('  ')
      .trimEnd();
  const { cpu, cores, memoryGb, system, node, onnxruntime } = machine;
  const facts = `${cpu}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, onnxruntime ${onnxruntime}`;
  return [facts, '', line(header), ...rows.map(line), ...(notes.length > 0 ? ['', ...notes] : []), ''].join('\n');
}

export function jsonLine(name: string, outcome: BenchOutcome, verdict: Verdict, machine: MachineFacts): string {
  const figures = Object.fromEntries(outcome.figures.map((figure) => [figure.name, figure.value]));
  const bars = Object.fromEntries(verdict.bars.map((bar) => [bar.figure, bar]));
  return JSON.stringify({ bench: name, machine, figures, bars, ok: verdict.ok });
}

function barText(bar: JudgedBar | undefined): string {
  if (!bar) return '';
  const mark = bar.ok === null ? '?' : bar.ok ? '✓' : '✗';
  return `${bar.direction === 'at-most' ? '≤' : '≥'} ${readable(bar.bar)} ${mark}`;
}

/** Four significant digits, thousands apart. */
function readable(value: number): string {
  const digits = Math.abs(value) >= 1000 ? 0 : undefined;
  return value.toLocaleString('en-GB', digits === 0 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 4 });
}

/** Numbers stand at the right. */
function pad(text: string, width: number, column: number): string {
  return column === 1 ? text.padStart(width) : text.padEnd(width);
}
