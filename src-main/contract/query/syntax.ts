/**
 * The text query over a data set's images: `class:truck count(person)>3 split:val -is:unlabelled`, also with ranges as in
 * `area=256..1024`, days as in `date>=2026-03-01`, and what a run found as in `run:"LeNet 5".fp>0`. Terms side by side must
 * all hold; `or`, `-` and brackets do what they say; a bare word is part of the name. Both sides use it: the window for
 * completion and errors, the store to look. Pure; knows no classes, tags or runs.
 */
import { readDays } from './days.ts';

export type Comparison = '<' | '<=' | '=' | '>=' | '>' | '!=';

/** Fields with one of some words, or a text. */
export const wordFields = {
  split: ['train', 'val', 'test'],
  is: ['labelled', 'unlabelled', 'background'],
  review: ['to-do', 'needs-review', 'done', 'rejected'],
  box: ['outside', 'huge', 'doubled'],
  kind: ['classification', 'bbox', 'rotated-box', 'polygon', 'mask', 'keypoints'],
  flag: ['occluded', 'truncated', 'difficult', 'crowd'],
  by: ['person', 'import', 'model'],
  class: null,
  tag: null,
  folder: null,
  name: null,
} as const satisfies Record<string, readonly string[] | null>;
export type WordField = keyof typeof wordFields;

/** Fields with a number; those of labels take a class in brackets. */
export const numberFields = {
  count: { of: 'labels', help: 'labels of the image' },
  area: { of: 'labels', help: 'px² of a label’s box' },
  boxaspect: { of: 'labels', help: 'width by height of a label’s box' },
  width: { of: 'image', help: 'px' },
  height: { of: 'image', help: 'px' },
  megapixels: { of: 'image', help: 'millions of pixels' },
  aspect: { of: 'image', help: 'width by height' },
  id: { of: 'image', help: 'number of the image' },
  date: { of: 'image', help: 'day of the file: 2026-03-01, 2026-03 or 2026', isDay: true },
  edited: { of: 'image', help: 'day on which a label was made or changed', isDay: true },
} as const satisfies Record<string, { of: 'labels' | 'image'; help: string; isDay?: true }>;
export type NumberField = keyof typeof numberFields;

/** What a run found on an image; see the migration of `image_result` for what each means for each task. */
export const runMeasures = {
  score: 'how well the image was done, 0 to 1',
  disagreement: 'how far the run is from the labels, 0 to 1',
  fp: 'found, but not in the labels',
  fn: 'in the labels, but not found',
  tp: 'found as in the labels',
} as const;
export type RunMeasure = keyof typeof runMeasures;

export type Query =
  | { kind: 'all'; of: Query[] }
  | { kind: 'any'; of: Query[] }
  | { kind: 'not'; of: Query }
  | { kind: 'word'; field: WordField; value: string }
  /** `className` is null for labels of every class, and for what is not of labels. */
  | { kind: 'number'; field: NumberField; className: string | null; is: NumberTest }
  /** `run`: its name, or "#" and its number. Without a test: images that the run was measured by. */
  | { kind: 'run'; run: string; test: { measure: RunMeasure; is: NumberTest } | null };

/** A range holds its lower end and not its upper one. */
export type NumberTest =
  { kind: 'comparison'; comparison: Comparison; value: number } | { kind: 'range'; least: number; below: number };

export interface QueryProblem {
  /** Where in the text, in characters. */
  at: number;
  message: string;
}

type Token =
  | { kind: 'open' | 'close' | 'minus'; at: number }
  | { kind: 'comparison'; at: number; value: Comparison }
  | { kind: 'colon'; at: number }
  | { kind: 'text'; at: number; value: string; quoted: boolean };

class SyntaxFailure extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s+|([()])|(<=|>=|!=|[<>=])|(:)|"((?:[^"\\]|\\.)*)(")?|([^\s()<>=!:"]+|!)/gy;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const at = match.index;
    const [, bracket, comparison, colon, quoted, closing, word] = match;
    if (bracket !== undefined) tokens.push({ kind: bracket === '(' ? 'open' : 'close', at });
    else if (comparison !== undefined) tokens.push({ kind: 'comparison', at, value: comparison as Comparison });
    else if (colon !== undefined) tokens.push({ kind: 'colon', at });
    else if (quoted !== undefined) {
      if (closing === undefined) throw new SyntaxFailure(at, 'A quotation mark is not closed.');
      tokens.push({ kind: 'text', at, value: quoted.replace(/\\(.)/g, '$1'), quoted: true });
    } else if (word !== undefined) {
      // A minus before a term is a negation; inside of a word it belongs to it.
      const isNegation =
        word.startsWith('-') && tokens.at(-1)?.kind !== 'colon' && tokens.at(-1)?.kind !== 'comparison';
      if (isNegation) tokens.push({ kind: 'minus', at });
      const rest = isNegation ? word.slice(1) : word;
      if (rest !== '') tokens.push({ kind: 'text', at: at + word.length - rest.length, value: rest, quoted: false });
    }
  }
  return tokens;
}

/** A text without terms is a query that everything passes. */
export function parseQuery(text: string): Query | QueryProblem {
  try {
    return new Parser(tokenise(text), text.length).parse();
  } catch (error) {
    if (error instanceof SyntaxFailure) return { at: error.at, message: error.message };
    throw error;
  }
}

export function isProblem(query: Query | QueryProblem): query is QueryProblem {
  return 'message' in query;
}

class Parser {
  #tokens: readonly Token[];
  #end: number;
  #next = 0;

  constructor(tokens: readonly Token[], end: number) {
    this.#tokens = tokens;
    this.#end = end;
  }

  parse(): Query {
    const query = this.#any();
    const rest = this.#peek();
    if (rest !== undefined) throw new SyntaxFailure(rest.at, 'A bracket is closed that was not opened.');
    return query;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next];
  }

  #isWord(word: string): boolean {
    const token = this.#peek();
    return token?.kind === 'text' && !token.quoted && token.value.toLowerCase() === word;
  }

  #any(): Query {
    const of = [this.#all()];
    while (this.#isWord('or')) {
      this.#next++;
      of.push(this.#all());
    }
    const [only] = of;
    return only !== undefined && of.length === 1 ? only : { kind: 'any', of };
  }

  #all(): Query {
    const of: Query[] = [];
    for (let token = this.#peek(); token !== undefined && token.kind !== 'close'; token = this.#peek()) {
      if (this.#isWord('or')) break;
      if (this.#isWord('and')) this.#next++;
      else of.push(this.#term());
    }
    const [only] = of;
    return only !== undefined && of.length === 1 ? only : { kind: 'all', of };
  }

  #term(): Query {
    const token = this.#peek();
    if (token === undefined) throw new SyntaxFailure(this.#end, 'A term is missing at the end.');
    this.#next++;
    if (token.kind === 'minus') return { kind: 'not', of: this.#term() };
    if (token.kind === 'open') {
      const inside = this.#any();
      if (this.#peek()?.kind !== 'close') throw new SyntaxFailure(token.at, 'A bracket is not closed.');
      this.#next++;
      return inside;
    }
    if (token.kind !== 'text') throw new SyntaxFailure(token.at, 'A field is missing here, such as class or split.');
    if (!token.quoted && token.value.toLowerCase() === 'not') return { kind: 'not', of: this.#term() };
    const following = this.#peek();
    if (token.quoted || following === undefined) return { kind: 'word', field: 'name', value: token.value };
    if (following.kind === 'colon') return this.#word(token);
    const isNumber = following.kind === 'comparison' || (following.kind === 'open' && token.value in numberFields);
    return isNumber ? this.#number(token) : { kind: 'word', field: 'name', value: token.value };
  }

  #word({ value: name, at }: Extract<Token, { kind: 'text' }>): Query {
    const field = name.toLowerCase();
    if (field === 'run') return this.#run();
    if (!Object.hasOwn(wordFields, field)) {
      const known = [...Object.keys(wordFields), 'run'].join(', ');
      throw new SyntaxFailure(at, `There is no field “${name}”. Fields with a word: ${known}.`);
    }
    this.#next++;
    const value = this.#peek();
    if (value?.kind !== 'text') throw new SyntaxFailure(value?.at ?? this.#end, `A value is missing after “${name}:”.`);
    this.#next++;
    const words: readonly string[] | null = wordFields[field as WordField];
    if (words !== null && !words.includes(value.value.toLowerCase())) {
      throw new SyntaxFailure(value.at, `“${name}” is one of ${words.join(', ')}.`);
    }
    return { kind: 'word', field: field as WordField, value: words === null ? value.value : value.value.toLowerCase() };
  }

  #number({ value: name, at }: Extract<Token, { kind: 'text' }>): Query {
    const field = name.toLowerCase();
    if (!Object.hasOwn(numberFields, field)) {
      const known = Object.keys(numberFields).join(', ');
      throw new SyntaxFailure(at, `There is no number “${name}”. Numbers: ${known}.`);
    }
    let className: string | null = null;
    if (this.#peek()?.kind === 'open') {
      if (numberFields[field as NumberField].of === 'image') {
        throw new SyntaxFailure(at, `“${name}” is of the image and takes no class.`);
      }
      className = this.#bracketed();
    }
    const comparison = this.#peek();
    if (comparison?.kind !== 'comparison') {
      throw new SyntaxFailure(comparison?.at ?? this.#end, `A comparison is missing after “${name}”, such as > 3.`);
    }
    this.#next++;
    if ('isDay' in numberFields[field as NumberField]) return this.#days(field as NumberField, comparison.value);
    return { kind: 'number', field: field as NumberField, className, is: this.#test(comparison.value) };
  }

  #test(comparison: Comparison): NumberTest {
    const value = this.#peek();
    const is = value?.kind === 'text' && !value.quoted ? readTest(comparison, value.value) : null;
    if (is === null) throw new SyntaxFailure(value?.at ?? this.#end, 'A number is missing here.');
    this.#next++;
    return is;
  }

  #days(field: NumberField, comparison: Comparison): Query {
    const value = this.#peek();
    const is = value?.kind === 'text' && !value.quoted ? readDays(comparison, value.value) : null;
    if (is === null) {
      throw new SyntaxFailure(value?.at ?? this.#end, 'A day is missing here, such as 2026-03-01, 2026-03 or 2026.');
    }
    this.#next++;
    const query: Query = { kind: 'number', field, className: null, is };
    return comparison === '!=' ? { kind: 'not', of: query } : query;
  }

  /** `run:A`, `run:A.fp>0`, `run:"A b".fp>0`. */
  #run(): Query {
    this.#next++;
    const name = this.#peek();
    if (name?.kind !== 'text')
      throw new SyntaxFailure(name?.at ?? this.#end, 'The name of a run is missing after “run:”.');
    this.#next++;
    let run = name.value;
    let measure: string | null = null;
    const behind = this.#peek();
    if (name.quoted && behind?.kind === 'text' && !behind.quoted && behind.value.startsWith('.')) {
      this.#next++;
      measure = behind.value.slice(1);
    }
    const comparison = this.#peek();
    if (comparison?.kind !== 'comparison') {
      if (measure === null) return { kind: 'run', run, test: null };
      throw new SyntaxFailure(comparison?.at ?? this.#end, `A comparison is missing after “${measure}”, such as > 0.`);
    }
    if (measure === null) {
      const dot = run.lastIndexOf('.');
      measure = name.quoted || dot < 0 ? '' : run.slice(dot + 1);
      run = name.quoted || dot < 0 ? run : run.slice(0, dot);
    }
    measure = measure.toLowerCase();
    if (!Object.hasOwn(runMeasures, measure)) {
      const known = Object.keys(runMeasures).join(', ');
      throw new SyntaxFailure(name.at, `What a run found is named behind a dot, as in run:A.fp>0: ${known}.`);
    }
    this.#next++;
    return { kind: 'run', run, test: { measure: measure as RunMeasure, is: this.#test(comparison.value) } };
  }

  /** Everything up to the closing bracket, as one name. */
  #bracketed(): string {
    const opening = this.#peek();
    this.#next++;
    const words: string[] = [];
    for (let token = this.#peek(); token?.kind === 'text' || token?.kind === 'minus'; token = this.#peek()) {
      words.push(token.kind === 'text' ? token.value : '-');
      this.#next++;
    }
    if (this.#peek()?.kind !== 'close' || words.length === 0) {
      throw new SyntaxFailure(opening?.at ?? this.#end, 'A class is missing in the brackets.');
    }
    this.#next++;
    return words.join(' ');
  }
}

/** The runs that a query names, each once. */
export function runsOf(query: Query): string[] {
  switch (query.kind) {
    case 'all':
    case 'any':
      return [...new Set(query.of.flatMap(runsOf))];
    case 'not':
      return runsOf(query.of);
    case 'run':
      return [query.run];
    default:
      return [];
  }
}

/** "3", or "3..7" after an equals sign. */
function readTest(comparison: Comparison, text: string): NumberTest | null {
  const range = /^(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)$/.exec(text);
  if (range !== null) {
    return comparison === '=' ? { kind: 'range', least: Number(range[1]), below: Number(range[2]) } : null;
  }
  const value = Number(text);
  return Number.isFinite(value) ? { kind: 'comparison', comparison, value } : null;
}

/** A value as it has to stand in a query. */
export function quoteValue(value: string): string {
  const isPlain = /^[^\s()<>=!:"-][^\s()<>=!:"]*$/.test(value) && !/^(or|and|not)$/i.test(value);
  return isPlain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}
