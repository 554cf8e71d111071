/** The text query: what it means, what is wrong with it, what completes it, and which images pass it. */
import { expect, test } from 'vitest';
import { completionsAt } from '../../src-main/contract/query/completion.ts';
import {
  isProblem,
  parseQuery,
  quoteValue,
  type NumberTest,
  type Query,
} from '../../src-main/contract/query/syntax.ts';
import type { Shape } from '../../src-main/contract/model/annotation.ts';
import type { ImageFilter } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import { labelRow } from '../../src-main/store/label-row.ts';
import type { ProjectStore } from '../../src-main/store/project-store.ts';
import { seededRandom } from '../helpers/generated-data.ts';
import { createStore } from '../helpers/store-fixture.ts';
import { insertImages } from '../helpers/insert-images.ts';

/** A query as brackets. */
function inWords(query: Query): string {
  switch (query.kind) {
    case 'all':
      return `all(${query.of.map(inWords).join(', ')})`;
    case 'any':
      return `any(${query.of.map(inWords).join(', ')})`;
    case 'not':
      return `not(${inWords(query.of)})`;
    case 'word':
      return `${query.field}:${query.value}`;
    case 'number':
      return `${query.field}[${query.className ?? ''}]${testInWords(query.is)}`;
    case 'run':
      return `run:${query.run}${query.test === null ? '' : `.${query.test.measure}${testInWords(query.test.is)}`}`;
  }
}

function testInWords(is: NumberTest): string {
  return is.kind === 'range' ? `=${is.least}..${is.below}` : `${is.comparison}${is.value}`;
}

const day = (year: number, month: number, date: number): number => new Date(year, month - 1, date).getTime();

test.each([
  ['', 'all()'],
  ['class:truck', 'class:truck'],
  ['class:truck count(person)>3 split:VAL', 'all(class:truck, count[person]>3, split:val)'],
  ['class:"traffic light" and -is:unlabelled', 'all(class:traffic light, not(is:unlabelled))'],
  ['count(traffic light) <= 2', 'count[traffic light]<=2'],
  ['count("fire (red)")>=1', 'count[fire (red)]>=1'],
  ['a or b c', 'any(name:a, all(name:b, name:c))'],
  ['(a or b) c', 'all(any(name:a, name:b), name:c)'],
  ['not (class:cat or class:dog)', 'not(any(class:cat, class:dog))'],
  ['my-photo "or"', 'all(name:my-photo, name:or)'],
  ['area<1024 aspect != 1', 'all(area[]<1024, aspect[]!=1)'],
  ['review:needs-review', 'review:needs-review'],
  ['id>-3', 'id[]>-3'],
  ['area(cat)=16..1024.5', 'area[cat]=16..1024.5'],
  ['tag:"to check" folder:train/night', 'all(tag:to check, folder:train/night)'],
  ['run:A.fp>0', 'run:A.fp>0'],
  ['run:v1.2.score<0.5 -run:A', 'all(run:v1.2.score<0.5, not(run:A))'],
  ['run:"my run".Disagreement=0.2..0.4', 'run:my run.disagreement=0.2..0.4'],
  ['run:v1.2', 'run:v1.2'],
  ['date>=2026-03-01', `date[]>=${day(2026, 3, 1)}`],
  ['date>2026-03', `date[]>=${day(2026, 4, 1)}`],
  ['date<=2026-12-31', `date[]<${day(2027, 1, 1)}`],
  ['date=2026', `date[]=${day(2026, 1, 1)}..${day(2027, 1, 1)}`],
  ['date=2026-01..2026-02', `date[]=${day(2026, 1, 1)}..${day(2026, 3, 1)}`],
  ['edited!=2026-02-28', `not(edited[]=${day(2026, 2, 28)}..${day(2026, 3, 1)})`],
])('%s means %s', (text, meaning) => {
  const query = parseQuery(text);
  expect(isProblem(query) ? query.message : inWords(query)).toBe(meaning);
});

test.each([
  ['colour:red', 0, 'There is no field “colour”'],
  ['split:prod', 6, '“split” is one of train, val, test.'],
  ['class:', 6, 'A value is missing'],
  ['count(person)', 13, 'A comparison is missing'],
  ['count(person)>many', 14, 'A number is missing'],
  ['(a b', 0, 'A bracket is not closed.'],
  ['a)', 1, 'A bracket is closed that was not opened.'],
  ['width(cat)>3', 0, '“width” is of the image'],
  ['"abc', 0, 'A quotation mark is not closed.'],
  ['size>3', 0, 'There is no number “size”'],
  ['area>3..4', 5, 'A number is missing'],
  ['a -', 3, 'A term is missing at the end.'],
  ['run:', 4, 'The name of a run is missing'],
  ['run:A>3', 4, 'What a run found is named behind a dot'],
  ['run:A.wrong>3', 4, 'score, disagreement, fp, fn, tp'],
  ['run:"A".fp', 10, 'A comparison is missing after “fp”'],
  ['date>yesterday', 5, 'A day is missing here'],
  ['date=2026-02-30', 5, 'A day is missing here'],
  ['date>2026-01..2026-02', 5, 'A day is missing here'],
])('%s is wrong at %i', (text, at, message) => {
  const problem = parseQuery(text);
  expect(problem).toMatchObject({ at });
  expect((problem as { message: string }).message).toContain(message);
});

test('no text breaks the parser', () => {
  const random = seededRandom(8);
  const pieces = [
    'class',
    ':',
    '(',
    ')',
    '>',
    '"',
    '\\',
    '-',
    'or',
    'not',
    ' ',
    'count',
    '3',
    '猫',
    '\n',
    "'",
    ';--',
    '%',
    '_',
  ];
  for (let round = 0; round < 5000; round++) {
    const text = Array.from(
      { length: Math.floor(random() * 12) },
      () => pieces[Math.floor(random() * pieces.length)],
    ).join('');
    expect(() => parseQuery(text), text).not.toThrow();
  }
});

test('values survive being quoted', () => {
  for (const value of [
    'cat',
    'traffic light',
    'a:b',
    'say "hi"',
    'or',
    '-x',
    '(y)',
    'back\\slash',
    'count(person)>3',
  ]) {
    expect(parseQuery(`class:${quoteValue(value)}`), value).toEqual({ kind: 'word', field: 'class', value });
    expect(parseQuery(quoteValue(value)), value).toEqual({ kind: 'word', field: 'name', value });
  }
});

const known = {
  classes: ['truck', 'traffic light', 'person'],
  tags: ['night', 'to check'],
  runs: ['LeNet-5', 'twin of it'],
};
test.each([
  ['', ['split:', 'is:', 'review:']],
  ['sp', ['split:']],
  ['split:v', ['val']],
  ['class:t', ['truck', 'traffic light']],
  ['class:"traffic l', ['traffic light']],
  ['tr', ['class:truck', 'class:traffic light']],
  ['a -cl', ['class:']],
  ['count(p', ['person']],
  ['count', ['count(class)']],
  ['width>3', []],
  ['tag:', ['night', 'to check']],
  ['ru', ['run:']],
  ['run:', ['LeNet-5', 'twin of it']],
  ['run:"tw', ['twin of it']],
  ['run:LeNet-5.f', ['fp', 'fn']],
  ['-run:"twin of it".', ['score', 'disagreement']],
])('“%s” is completed', (text, labels) => {
  const found = completionsAt(text, text.length, known);
  expect(found.map(({ label }) => label).slice(0, labels.length || 1)).toEqual(labels);
  for (const { insert, from } of found) {
    const completed = text.slice(0, from) + insert;
    const ended = completed.endsWith('>') ? `${completed}1` : /[:(.]$/.test(completed) ? '' : completed;
    expect(isProblem(parseQuery(ended)), completed).toBe(false);
  }
});

interface Drawn {
  split: 'train' | 'val';
  name: string;
  widthPx: number;
  heightPx: number;
  modifiedMs: number;
  review: 'to-do' | 'done';
  labels: { category: number; shape: Shape; flags: 'crowd'[] }[];
}

const names = ['cat', 'dog', 'traffic light'];

function fill(store: ProjectStore, images: readonly Drawn[], name: string): DatasetId {
  const datasetId = store.datasets.begin({ name, format: 'images', source: '', createdAt: '2026-05-01T12:00:00.000Z' });
  const categoryIds = store.datasets.addCategories(datasetId, names);
  const file = { mediaType: 'image/png', orientation: 1, sizeBytes: 1, channels: 3 };
  const rows = images.map((image) => ({
    ...image,
    ...file,
    path: image.name,
    labels: image.labels.map((label) => labelRow({ ...label, attributes: {} })),
  }));
  insertImages(store, datasetId, rows, categoryIds);
  store.datasets.publish(datasetId);
  return datasetId;
}

function draw(random: () => number, index: number): Drawn {
  const labels = Array.from({ length: Math.floor(random() * 5) }, (): Drawn['labels'][number] => ({
    category: Math.floor(random() * names.length),
    shape:
      random() < 0.2
        ? { kind: 'classification' }
        : { kind: 'bbox', bboxXyxy: [0, 0, 1 + Math.floor(random() * 60), 10] },
    flags: random() < 0.2 ? ['crowd'] : [],
  }));
  return {
    split: random() < 0.5 ? 'train' : 'val',
    name: `${index % 3 === 0 ? 'night' : 'day'}/${index % 7}_photo%${index}.png`,
    modifiedMs: day(2026, 1, 1 + Math.floor(random() * 60)),
    widthPx: 100 + Math.floor(random() * 900),
    heightPx: 100 + Math.floor(random() * 900),
    review: random() < 0.5 ? 'to-do' : 'done',
    labels,
  };
}

/** The same question asked of the drawn images, in plain words. */
const passes: Record<string, (image: Drawn) => boolean> = {
  'class:cat': ({ labels }) => labels.some(({ category }) => category === 0),
  '-class:CAT': ({ labels }) => labels.every(({ category }) => category !== 0),
  'count("traffic light")>=2': ({ labels }) => labels.filter(({ category }) => category === 2).length >= 2,
  'count(dog)=0 split:val': ({ labels, split }) => split === 'val' && labels.every(({ category }) => category !== 1),
  'count(dog)<2': ({ labels }) => labels.filter(({ category }) => category === 1).length < 2,
  'count!=3': ({ labels }) => labels.length !== 3,
  'is:unlabelled or is:background': ({ labels }) => labels.length === 0,
  'is:background': ({ labels, review }) => labels.length === 0 && review === 'done',
  'kind:bbox -kind:classification': ({ labels }) =>
    labels.some(({ shape }) => shape.kind === 'bbox') && labels.every(({ shape }) => shape.kind === 'bbox'),
  'count(dog)=0..2 count=1..9': ({ labels }) =>
    labels.filter(({ category }) => category === 1).length < 2 && labels.length > 0,
  'count(dog)=1..3': ({ labels }) => [1, 2].includes(labels.filter(({ category }) => category === 1).length),
  'area=100..300': ({ labels }) =>
    labels.some(({ shape }) => shape.kind === 'bbox' && shape.bboxXyxy[2] >= 10 && shape.bboxXyxy[2] < 30),
  'flag:crowd': ({ labels }) => labels.some(({ flags }) => flags.length > 0),
  'area>300': ({ labels }) => labels.some(({ shape }) => shape.kind === 'bbox' && shape.bboxXyxy[2] > 30),
  'area(dog)<=100': ({ labels }) =>
    labels.some(({ shape, category }) => category === 1 && shape.kind === 'bbox' && shape.bboxXyxy[2] <= 10),
  'aspect>1 (width>=500 or megapixels<0.2)': ({ widthPx, heightPx }) =>
    widthPx > heightPx && (widthPx >= 500 || (widthPx * heightPx) / 1e6 < 0.2),
  'folder:night': ({ name }) => name.startsWith('night/'),
  'date<2026-02': ({ modifiedMs }) => modifiedMs < day(2026, 2, 1),
  'date=2026-01-15': ({ modifiedMs }) => modifiedMs === day(2026, 1, 15),
  'edited=2026-05 date>2026-02-10': ({ labels, modifiedMs }) => labels.length > 0 && modifiedMs > day(2026, 2, 10),
  '-edited>2026-06-01 width<300': ({ widthPx }) => widthPx < 300,
  'name:"o%1"': ({ name }) => name.includes('o%1'),
  '3_photo review:done by:import': ({ name, review, labels }) =>
    name.includes('3_photo') && review === 'done' && labels.length > 0,
};

test('every query finds what it says, range by range', async () => {
  const store = await createStore();
  const random = seededRandom(21);
  const images = Array.from({ length: 400 }, (_, index) => draw(random, index));
  fill(store, images.slice(0, 50), 'Before');
  const datasetId = fill(store, images, 'Images');
  const { after, last } = store.images.idRange(datasetId)!;
  for (const [query, holds] of Object.entries(passes)) {
    const expected = images.flatMap((image, index) => (holds(image) ? [after + 1 + index] : []));
    expect(expected.length, query).toBeGreaterThan(0);
    const filter: ImageFilter = { splits: [], categoryIds: [], query };
    const found = [];
    for (let from = after; from < last; from += 90) {
      found.push(...store.images.idsInRange(datasetId, filter, { after: from, last: Math.min(from + 90, last) }));
    }
    expect(found, query).toEqual(expected);
  }
});

test('a class that is not there, and a text that cannot be read, are said', async () => {
  const store = await createStore();
  const datasetId = fill(store, [draw(seededRandom(1), 0)], 'One');
  const range = store.images.idRange(datasetId)!;
  const ask = (query: string) => () =>
    store.images.idsInRange(datasetId, { splits: [], categoryIds: [], query }, range);
  expect(ask('class:horse')).toThrow('there is no class “horse”');
  expect(ask('class:')).toThrow('The query cannot be read: A value is missing');
});
