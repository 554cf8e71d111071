/**
 * Finding runs by what is typed: words anywhere in what a run is called and made of, `tag:` and `status:` with the
 * beginning of one, `is:pinned` and `is:archived`, and a leading minus for what must not be. All must hold. Pure.
 */
import type { RunSummary } from '../../src-main/contract/model/run.ts';

type Test = (run: RunSummary) => boolean;

/** An archived run is found only where the search asks for it, or `archived` says so. */
export function findRuns(runs: readonly RunSummary[], search: string, archived: boolean): RunSummary[] {
  const terms: readonly string[] = search.toLowerCase().match(/-?(?:[a-z]+:)?(?:"[^"]*"|\S+)/g) ?? [];
  const tests = terms.map(testOf);
  const asksForArchived = terms.includes('is:archived');
  return runs.filter((run) => (!run.archived || archived || asksForArchived) && tests.every((test) => test(run)));
}

function testOf(term: string): Test {
  if (term.length > 1 && term.startsWith('-')) {
    const unwanted = testOf(term.slice(1));
    return (run) => !unwanted(run);
  }
  const [, field = '', text = ''] = /^(?:(tag|status|is):)?(.*)$/.exec(term) ?? [];
  const wanted = text.replaceAll('"', '');
  switch (field) {
    case 'tag':
      return ({ tags }) => tags.some((tag) => tag.toLowerCase().startsWith(wanted));
    case 'status':
      return ({ status }) => status.startsWith(wanted);
    case 'is':
      return (run) => (wanted === 'pinned' ? run.pinned : wanted === 'archived' ? run.archived : false);
    default:
      return (run) => wordsOf(run).includes(wanted);
  }
}

function wordsOf({ name, datasetName, modelId, tags, notes }: RunSummary): string {
  return [name, datasetName, modelId, ...tags, notes].join('\n').toLowerCase();
}

export interface TagCount {
  tag: string;
  count: number;
}

/** Every tag in use, the most used first. */
export function tagsOf(runs: readonly RunSummary[]): TagCount[] {
  const counts = new Map<string, number>();
  for (const tag of runs.flatMap((run) => run.tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts]
    .map(([tag, count]) => ({ tag, count }))
    .toSorted((a, b) => b.count - a.count || a.tag.localeCompare(b.tag, 'en'));
}
