/**
 * The table that says which class a value or a colour of a mask image means, as other tools write it: JSON or YAML lists
 * and maps, CSV with r, g, b, a label map ("name:r,g,b::"), or names one a line. Knows no files.
 */
import * as v from 'valibot';
import { parse } from 'yaml';
import { FoveaError } from '../contract/errors.ts';

export interface MaskClass {
  name: string;
  /** Grey level or palette index. */
  value: number;
  /** 0xrrggbb; null where the table names none. */
  colour: number | null;
}

export interface MaskTable {
  classes: MaskClass[];
  /** The values stand in the table; otherwise they are the places in its list. */
  hasValues: boolean;
}

const BACKGROUND = /^_*(back-?ground|unlabell?ed|void|ignored?|none|bg|nothing)_*$/i;

/** Whether a class of this name stands for pixels that belong to none. */
export function isBackgroundName(name: string): boolean {
  return BACKGROUND.test(name.trim());
}

export function isTableName(fileName: string): boolean {
  return /^(class(es)?|class[_-]?dict(_seg)?|class[_-]?names|labels?|label[_-]?(map|colou?rs|names)|labelmap|colou?r[_-]?map|colou?rs|palette|config|data|dataset)\.(json|csv|txt|ya?ml)$/i.test(
    fileName,
  );
}

/**
 * `hint`: the name of the mask folder; of several tables in one file the one whose key ends in the same digits is taken
 * ("masks24" and "classes24"). Null where the text holds no table. Throws FoveaError `bad-input` where it cannot be read.
 */
export function parseMaskTable(file: string, text: string, hint: string): MaskTable | null {
  try {
    if (/\.csv$/i.test(file)) return fromRows(csvRows(text));
    if (/\.txt$/i.test(file)) return fromText(text);
    return fromTree(parse(text, { mapAsMap: true, maxAliasCount: 50, logLevel: 'error' }), hint);
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new FoveaError(
      'bad-input',
      `${file}: the table of classes cannot be read (${message}).`,
      { file },
      { cause: error },
    );
  }
}

interface Row {
  name: string;
  value: number | null;
  colour: number | null;
}

function fromRows(rows: readonly Row[]): MaskTable | null {
  if (rows.length === 0) return null;
  const hasValues = rows.every(({ value }) => value !== null);
  const classes = rows.map(({ name, value, colour }, place) => ({
    name,
    value: hasValues && value !== null ? value : place,
    colour,
  }));
  return { classes, hasValues };
}

const level = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
const colourSchema = v.tuple([level, level, level]);

function readColour(value: unknown): number | null {
  if (typeof value === 'string' && /^#?[0-9a-f]{6}$/i.test(value)) return Number.parseInt(value.replace('#', ''), 16);
  const parsed = v.safeParse(colourSchema, value);
  return parsed.success ? rgbKey(...parsed.output) : null;
}

export function rgbKey(red: number, green: number, blue: number): number {
  return (red << 16) | (green << 8) | blue;
}

function readValue(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 65_535 ? number : null;
}

/** A list of names or of records, a map from value to name, or a record that has one of these under some key. */
function fromTree(root: unknown, hint: string): MaskTable | null {
  const direct = fromRows(listRows(root));
  if (direct !== null || !(root instanceof Map)) return direct;
  const found = [...root.entries()].flatMap(([key, value]) => {
    const table = /class|name|label|categor|colou?r|palette/i.test(String(key)) ? fromRows(listRows(value)) : null;
    return table === null ? [] : [{ digits: trailingDigits(String(key)), table }];
  });
  const digits = trailingDigits(hint);
  return (found.find((entry) => digits !== '' && entry.digits === digits) ?? found[0])?.table ?? null;
}

function trailingDigits(name: string): string {
  return /\d*$/.exec(name)?.[0] ?? '';
}

function listRows(value: unknown): Row[] {
  const items: [unknown, unknown][] =
    value instanceof Map
      ? [...value.entries()]
      : Array.isArray(value)
        ? value.map((item: unknown) => [null, item])
        : [];
  const rows = items.map(([key, item]) => itemRow(key, item));
  return rows.every((row) => row !== null) ? rows : [];
}

function itemRow(key: unknown, item: unknown): Row | null {
  if (typeof item === 'string') {
    const value = key === null ? null : readValue(key);
    return key !== null && value === null ? null : { name: item, value, colour: null };
  }
  // { name: [r, g, b] }
  const colour = readColour(item);
  if (colour !== null) return typeof key === 'string' ? { name: key, value: null, colour } : null;
  if (!(item instanceof Map)) return null;
  const name: unknown = item.get('name') ?? item.get('label') ?? item.get('class');
  if (typeof name !== 'string') return null;
  const value = readValue(item.get('id') ?? item.get('value') ?? item.get('index') ?? key);
  return { name, value, colour: readColour(item.get('rgb') ?? item.get('color') ?? item.get('colour')) };
}

function csvRows(text: string): Row[] {
  const [header = [], ...lines] = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1')));
  const columns = header.map((cell) => cell.toLowerCase());
  const at = (...names: readonly string[]): number => columns.findIndex((column) => names.includes(column));
  const [name, value] = [at('name', 'class', 'label'), at('id', 'value', 'index')];
  const rgb = [at('r', 'red'), at('g', 'green'), at('b', 'blue')];
  if (name < 0) return [];
  return lines.map((cells) => ({
    name: cells[name] ?? '',
    value: value < 0 ? null : readValue(cells[value]),
    colour: rgb.some((column) => column < 0) ? null : readColour(rgb.map((column) => Number(cells[column]))),
  }));
}

/** CVAT's and VOC's label map, or names one a line. */
function fromText(text: string): MaskTable | null {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const coloured = lines.map((line) => /^(.+?):(\d+),(\d+),(\d+)(:|$)/.exec(line));
  if (coloured.length > 0 && coloured.every((match) => match !== null)) {
    return fromRows(
      coloured.map(([, name = '', ...rgb]) => ({ name, value: null, colour: readColour(rgb.slice(0, 3).map(Number)) })),
    );
  }
  // A label file of YOLO has numbers only, and is no list of names.
  if (lines.some((line) => /^[\d\s.]+$/.test(line))) return null;
  return fromRows(lines.map((name) => ({ name, value: null, colour: null })));
}
