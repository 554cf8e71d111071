/** Terms of a text query as a person switches them on and off by a click: a text in, a text out. */
import type { ImageId } from '../../src-main/contract/model/ids.ts';

/** What stands between spaces; a space between quotation marks belongs to its term. */
function termsOf(query: string): string[] {
  return query.match(/(?:"(?:[^"\\]|\\.)*"?|[^\s"])+/g) ?? [];
}

const sameTerm = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export function hasTerm(query: string, term: string): boolean {
  return termsOf(query).some((other) => sameTerm(other, term));
}

/** The query with the term, or without it where it has it. */
export function toggleTerm(query: string, term: string): string {
  const terms = termsOf(query);
  const left = terms.filter((other) => !sameTerm(other, term));
  return (left.length < terms.length ? left : [...terms, term]).join(' ');
}

/** A query's longest text, in characters; see the contract's filter. */
const LONGEST = 2000;

/** The query that these images pass and no others (ascending ids); null where it would be too long. */
export function queryOfIds(ids: readonly ImageId[]): string | null {
  const runs: [first: number, last: number][] = [];
  for (const id of ids) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === id - 1) run[1] = id;
    else runs.push([id, id]);
  }
  const query = runs.map(([first, last]) => (first === last ? `id=${first}` : `id=${first}..${last + 1}`)).join(' or ');
  return query.length <= LONGEST ? query : null;
}
