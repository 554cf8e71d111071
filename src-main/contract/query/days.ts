/** Days, months and years of a text query as times. They are those of the clock on the wall where the app runs. Pure. */
import type { Comparison, NumberTest } from './syntax.ts';

interface Span {
  /** Milliseconds since 1970, the end exclusive. */
  from: number;
  until: number;
}

/** "2026-03-01", "2026-03" or "2026"; null for anything else, also a day that no calendar has. */
function spanOf(text: string): Span | null {
  const [, year, month, day] = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$/.exec(text) ?? [];
  if (year === undefined) return null;
  const [y, m, d] = [Number(year), Number(month ?? 1) - 1, Number(day ?? 1)];
  const start = new Date(y, m, d);
  if (start.getMonth() !== m || start.getDate() !== d) return null;
  const end = new Date(start);
  if (day !== undefined) end.setDate(d + 1);
  else if (month !== undefined) end.setMonth(m + 1);
  else end.setFullYear(y + 1);
  return { from: start.getTime(), until: end.getTime() };
}

/**
 * The times that a comparison with a day, a month or a year means, or with a range of them ("2026-01..2026-03", both
 * inclusive) after an equals sign. That of "!=" is what must not hold. Null where the text is none.
 */
export function readDays(comparison: Comparison, text: string): NumberTest | null {
  const [first = '', last] = text.split('..', 2);
  const span = spanOf(first);
  const end = last === undefined ? span : spanOf(last);
  if (span === null || end === null) return null;
  const range: NumberTest = { kind: 'range', least: span.from, below: end.until };
  if (last !== undefined) return comparison === '=' ? range : null;
  switch (comparison) {
    case '=':
    case '!=':
      return range;
    case '<':
    case '>=':
      return { kind: 'comparison', comparison, value: span.from };
    case '<=':
      return { kind: 'comparison', comparison: '<', value: span.until };
    case '>':
      return { kind: 'comparison', comparison: '>=', value: span.until };
  }
}
