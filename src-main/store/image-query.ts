/**
 * A text query as conditions of SQL over `image i`, for one range of ids at a time: each subquery looks only at that
 * range, so that asking range by range costs no more than asking once. Values travel as parameters, never as text.
 */
import { FoveaError } from '../contract/errors.ts';
import type { ImageFilter } from '../contract/model/dataset.ts';
import type { CategoryId, RunId } from '../contract/model/ids.ts';
import { isProblem, parseQuery, type NumberTest, type Query } from '../contract/query/syntax.ts';
import { boxPatterns, boxShares, type BoxMeasure, type BoxRange } from './box-bits.ts';
import { classShares, classWords } from './class-bits.ts';
import { editedWhen, foundByRun, hasTag, inFolder } from './found-query.ts';
import { AREA, ASPECT, factBit, factCondition, ofLabels } from './label-facts.ts';

export interface Condition {
  sql: string;
  /** Named; besides them `datasetId`, `after` and `last` are bound. */
  parameters: Record<string, string | number | bigint>;
}

/** Ids by the names that a query speaks of; null where there is nothing of that name. */
export interface FindNames {
  category: (name: string) => CategoryId | null;
  /** All of the data set's. */
  categories: () => readonly CategoryId[];
  run: (name: string) => RunId | null;
}

const RANGE = 'a.image_id > @after AND a.image_id <= @last';

/** Null where the filter restricts nothing. Throws FoveaError `bad-input` with what is wrong in the text. */
export function filterCondition(filter: ImageFilter, find: FindNames): Condition | null {
  const compiler = new Compiler(find);
  const parts = [
    ...(filter.splits.length > 0 ? [`i.split IN (SELECT value FROM json_each(${compiler.bind(filter.splits)}))`] : []),
    ...(filter.categoryIds.length > 0 ? [compiler.hasClass(filter.categoryIds)] : []),
    ...(filter.query === undefined || filter.query.trim() === '' ? [] : [compiler.compile(parsed(filter.query))]),
  ];
  return parts.length === 0 ? null : { sql: parts.join(' AND '), parameters: compiler.parameters };
}

function parsed(text: string): Query {
  const query = parseQuery(text);
  if (!isProblem(query)) return query;
  throw new FoveaError('bad-input', `The query cannot be read: ${query.message}`, { query: text, at: query.at });
}

class Compiler {
  readonly parameters: Record<string, string | number | bigint> = {};
  #count = 0;
  #find: FindNames;

  constructor(find: FindNames) {
    this.#find = find;
  }

  bind(value: string | number | bigint | readonly unknown[]): string {
    const name = `p${this.#count++}`;
    this.parameters[name] = typeof value === 'object' ? JSON.stringify(value) : value;
    return `@${name}`;
  }

  compile(query: Query): string {
    switch (query.kind) {
      case 'all':
        return query.of.length === 0 ? '1' : `(${query.of.map((part) => this.compile(part)).join(' AND ')})`;
      case 'any':
        return `(${query.of.map((part) => this.compile(part)).join(' OR ')})`;
      case 'not':
        return `NOT ${this.compile(query.of)}`;
      case 'word':
        return this.#word(query.field, query.value);
      case 'number':
        return this.#number(query);
      case 'run':
        return this.#run(query);
    }
  }

  #word(field: Extract<Query, { kind: 'word' }>['field'], value: string): string {
    switch (field) {
      case 'split':
        return `i.split = ${this.bind(value)}`;
      case 'review':
        return `i.review = ${this.bind(value)}`;
      case 'is':
        if (value === 'labelled') return 'i.label_count > 0';
        return `(i.label_count = 0 AND i.review ${value === 'background' ? '=' : '<>'} 'done')`;
      case 'class':
        return this.hasClass([this.#category(value)]);
      case 'kind':
      case 'box':
      case 'by':
      case 'flag':
        return byFacts(`i.label_facts & ${factBit(value)}`, factCondition(value, 'i'));
      case 'tag':
        return hasTag(value, this.#bound);
      case 'folder':
        return inFolder(value, this.#bound);
      case 'name':
        return `i.name LIKE ${this.bind(`%${value.replace(/[\\%_]/g, '\\$&')}%`)} ESCAPE '\\'`;
    }
  }

  /** Whether a label is of one of the classes. */
  hasClass(categoryIds: readonly CategoryId[]): string {
    const { certain, shared } = classShares(categoryIds, this.#find.categories());
    const looked = ofLabels('i', `a.category_id IN (SELECT value FROM json_each(${this.bind(categoryIds)}))`);
    const known = [
      ...(certain.length > 0 ? [this.#hasBit(certain)] : []),
      ...(shared.length > 0 ? [`(${this.#hasBit(shared)} AND ${looked})`] : []),
    ];
    return byFacts(`(${known.join(' OR ')})`, looked);
  }

  #hasBit(categoryIds: readonly CategoryId[]): string {
    const [low, high] = classWords(categoryIds);
    return `((i.class_bits & ${this.bind(low)}) OR (i.more_class_bits & ${this.bind(high)}))`;
  }

  #labels(condition: string): string {
    return `i.id IN (SELECT a.image_id FROM annotation a WHERE ${condition} AND ${RANGE})`;
  }

  #number({ field, className, is }: Extract<Query, { kind: 'number' }>): string {
    switch (field) {
      case 'width':
      case 'height':
        return this.#test(`i.${field}`, is);
      case 'id':
        return this.#test('i.id', is);
      case 'megapixels':
        return this.#test('i.width * i.height / 1e6', is);
      case 'aspect':
        return this.#test('CAST(i.width AS REAL) / i.height', is);
      case 'boxaspect':
      case 'area': {
        const measure = field === 'area' ? AREA : ASPECT;
        if (className === null) return this.#anyBox(field === 'area' ? 'area' : 'aspect', measure, is);
        return this.#labels(`a.category_id = ${this.bind(this.#category(className))} AND ${this.#test(measure, is)}`);
      }
      case 'date':
        return this.#test('i.modified_ms', is);
      case 'edited':
        return editedWhen((time) => this.#test(time, is, (ms) => new Date(ms).toISOString()));
      case 'count':
        return className === null ? this.#test('i.label_count', is) : this.#classCount(className, is);
    }
  }

  /** Whether any label's box has it. The image's row decides nearly always; else its labels are looked at. */
  #anyBox(column: BoxMeasure, measure: string, is: NumberTest): string {
    const [least, greatest] = [`i.least_${column}`, `i.greatest_${column}`];
    const some = ofLabels('i', this.#test(measure, is));
    const isEnd = `${this.#test(least, is)} OR ${this.#test(greatest, is)}`;
    const range = asRange(is);
    const decided = range === null ? `coalesce(${isEnd}, 0)` : this.#someInRange(column, range, `${isEnd} OR ${some}`);
    return byFacts(decided, some);
  }

  /**
   * A box in a bin that lies between the ends will do, and then a box in a level that does; where there is one only in a level at
   * the ends, or the text could not be held, `otherwise` is asked.
   */
  #someInRange(column: BoxMeasure, range: BoxRange, otherwise: string): string {
    const shares = boxShares(column, range);
    const patterns = boxPatterns(column, range);
    const has = (bins: bigint): string => `(i.${column}_bits & ${this.bind(bins)})`;
    const matches = (pattern: string): string => `i.${column}_levels GLOB ${this.bind(pattern)}`;
    const surely = patterns.certain === null ? '' : `coalesce(${matches(patterns.certain)}, 0) OR `;
    const unsure = `(${has(shares.possible)} AND coalesce(${matches(patterns.possible)}, 1) AND (${surely}${otherwise}))`;
    return shares.certain === 0n ? unsure : `(${has(shares.certain)} OR ${unsure})`;
  }

  readonly #bound = (value: string | number): string => this.bind(value);

  #run({ run, test }: Extract<Query, { kind: 'run' }>): string {
    const runId = this.#find.run(run);
    if (runId === null) {
      throw new FoveaError('bad-input', `The query cannot be read: there is no run “${run}” in this project.`, { run });
    }
    const holds =
      test === null ? null : { measure: test.measure, holds: (column: string) => this.#test(column, test.is) };
    return foundByRun(runId, holds, this.#bound);
  }

  /** `as`: how the number stands in the column. */
  #test(sql: string, is: NumberTest, as: (value: number) => string | number = (value) => value): string {
    if (is.kind === 'comparison') return `${sql} ${is.comparison} ${this.bind(as(is.value))}`;
    return `(${sql} >= ${this.bind(as(is.least))} AND ${sql} < ${this.bind(as(is.below))})`;
  }

  /** Images without a label of the class have the count 0, and are in no group; where only that matters no labels are counted. */
  #classCount(className: string, is: NumberTest): string {
    const categoryId = this.#category(className);
    const zeroHolds = holds(0, is);
    const anyHolds = holdsForAll(1, is);
    if (anyHolds !== null) {
      if (anyHolds === zeroHolds) return anyHolds ? '1' : '0';
      return `${anyHolds ? '' : 'NOT '}${this.hasClass([categoryId])}`;
    }
    const groups = `SELECT a.image_id FROM annotation a WHERE a.category_id = ${this.bind(categoryId)}
  AND ${RANGE} GROUP BY a.image_id HAVING ${zeroHolds ? 'NOT ' : ''}${this.#test('count(*)', is)}`;
    return `i.id ${zeroHolds ? 'NOT IN' : 'IN'} (${groups})`;
  }

  #category(name: string): CategoryId {
    const id = this.#find.category(name);
    if (id !== null) return id;
    throw new FoveaError('bad-input', `The query cannot be read: there is no class “${name}” in this data set.`, {
      name,
    });
  }
}

/** `known` is asked where the image's facts are known, `unknown` where its labels have changed since. */
function byFacts(known: string, unknown: string): string {
  return `((i.label_facts IS NOT NULL AND ${known}) OR (i.label_facts IS NULL AND ${unknown}))`;
}

/** Null for a comparison that the least or the greatest value alone decides. */
function asRange(is: NumberTest): BoxRange | null {
  if (is.kind === 'range') return { least: is.least, most: is.below, hasMost: false };
  return is.comparison === '=' ? { least: is.value, most: is.value, hasMost: true } : null;
}

/** What holds for every count from `least` on; null where it holds for some of them. */
function holdsForAll(least: number, is: NumberTest): boolean | null {
  const ends = is.kind === 'range' ? [is.least, is.below] : [is.value];
  // It changes at an end, and behind it.
  const counts = [
    least,
    ...ends.flatMap((end) => [Math.ceil(end), Math.ceil(end) + 1]).filter((count) => count > least),
  ];
  const first = holds(least, is);
  return counts.every((count) => holds(count, is) === first) ? first : null;
}

function holds(count: number, is: NumberTest): boolean {
  if (is.kind === 'range') return count >= is.least && count < is.below;
  const { value } = is;
  switch (is.comparison) {
    case '<':
      return count < value;
    case '<=':
      return count <= value;
    case '=':
      return count === value;
    case '>=':
      return count >= value;
    case '>':
      return count > value;
    case '!=':
      return count !== value;
  }
}
