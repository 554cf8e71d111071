/**
 * A text query as conditions of SQL over `image i`, for one range of ids at a time: each subquery looks only at that
 * range, so that asking range by range costs no more than asking once. Values travel as parameters, never as text.
 */
import { FoveaError } from '../contract/errors.ts';
import { annotationFlags } from '../contract/model/annotation.ts';
import type { ImageFilter } from '../contract/model/dataset.ts';
import type { CategoryId } from '../contract/model/ids.ts';
import { isProblem, parseQuery, type NumberTest, type Query } from '../contract/query/syntax.ts';

export interface Condition {
  sql: string;
  /** Named; besides them `datasetId`, `after` and `last` are bound. */
  parameters: Record<string, string | number>;
}

/** Gives a class's id by its name; null where the data set has none of that name. */
export type FindCategory = (name: string) => CategoryId | null;

/** Of a label `a`; the image is read for each of them. */
const ofImage = (condition: string): string =>
  `EXISTS (SELECT 1 FROM image o WHERE o.id = a.image_id AND ${condition})`;
const boxConditions = {
  outside: ofImage('(a.x1 < -0.5 OR a.y1 < -0.5 OR a.x2 > o.width + 0.5 OR a.y2 > o.height + 0.5)'),
  huge: ofImage('(a.x2 - a.x1) * (a.y2 - a.y1) > 0.95 * o.width * o.height'),
  doubled: `EXISTS (SELECT 1 FROM annotation b WHERE b.image_id = a.image_id AND b.category_id = a.category_id
  AND b.id < a.id AND round(b.x1) = round(a.x1) AND round(b.y1) = round(a.y1) AND round(b.x2) = round(a.x2)
  AND round(b.y2) = round(a.y2))`,
};

const RANGE = 'a.image_id > @after AND a.image_id <= @last';

/** Null where the filter restricts nothing. Throws FoveaError `bad-input` with what is wrong in the text. */
export function filterCondition(filter: ImageFilter, findCategory: FindCategory): Condition | null {
  const compiler = new Compiler(findCategory);
  const parts = [
    ...(filter.splits.length > 0 ? [`i.split IN (SELECT value FROM json_each(${compiler.bind(filter.splits)}))`] : []),
    ...(filter.categoryIds.length > 0
      ? [
          `EXISTS (SELECT 1 FROM annotation a WHERE a.image_id = i.id
  AND a.category_id IN (SELECT value FROM json_each(${compiler.bind(filter.categoryIds)})))`,
        ]
      : []),
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
  readonly parameters: Record<string, string | number> = {};
  #count = 0;
  #findCategory: FindCategory;

  constructor(findCategory: FindCategory) {
    this.#findCategory = findCategory;
  }

  bind(value: string | number | readonly unknown[]): string {
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
        return this.#labels(`a.category_id = ${this.bind(this.#category(value))}`);
      case 'kind':
        return this.#labels(`a.kind = ${this.bind(value)}`);
      case 'box':
        return this.#labels(boxConditions[value as keyof typeof boxConditions]);
      case 'by':
        return this.#labels(`a.source = ${this.bind(value)}`);
      case 'flag':
        return this.#labels(`a.flags & ${1 << annotationFlags.findIndex((flag) => flag === value)}`);
      case 'name':
        return `i.name LIKE ${this.bind(`%${value.replace(/[\\%_]/g, '\\$&')}%`)} ESCAPE '\\'`;
    }
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
        const measure = field === 'area' ? '(a.x2 - a.x1) * (a.y2 - a.y1)' : '(a.x2 - a.x1) / (a.y2 - a.y1)';
        const category = className === null ? '' : `a.category_id = ${this.bind(this.#category(className))} AND `;
        return this.#labels(`${category}${this.#test(measure, is)}`);
      }
      case 'count':
        return className === null ? this.#test('i.label_count', is) : this.#classCount(className, is);
    }
  }

  #test(sql: string, is: NumberTest): string {
    if (is.kind === 'comparison') return `${sql} ${is.comparison} ${this.bind(is.value)}`;
    return `(${sql} >= ${this.bind(is.least)} AND ${sql} < ${this.bind(is.below)})`;
  }

  /** Images without a label of the class have the count 0, and are in no group. */
  #classCount(className: string, is: NumberTest): string {
    const zeroHolds = holds(0, is);
    const groups = `SELECT a.image_id FROM annotation a WHERE a.category_id = ${this.bind(this.#category(className))}
  AND ${RANGE} GROUP BY a.image_id HAVING ${zeroHolds ? 'NOT ' : ''}${this.#test('count(*)', is)}`;
    return `i.id ${zeroHolds ? 'NOT IN' : 'IN'} (${groups})`;
  }

  #category(name: string): CategoryId {
    const id = this.#findCategory(name);
    if (id !== null) return id;
    throw new FoveaError('bad-input', `The query cannot be read: there is no class “${name}” in this data set.`, {
      name,
    });
  }
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
