/** What could stand at the cursor of a text query, for the window. Pure. */
import { numberFields, quoteValue, runMeasures, wordFields, type NumberField, type WordField } from './syntax.ts';

export interface Completion {
  /** What the person sees. */
  label: string;
  /** One word of explanation. */
  help: string;
  /** Replaces the text from `from` to the cursor. */
  insert: string;
  from: number;
}

/** The names of the data set and its project that a query can speak of. */
export interface QueryNames {
  classes: readonly string[];
  tags: readonly string[];
  runs: readonly string[];
}

const MOST = 12;

const fieldHelp: Record<WordField, string> = {
  split: 'train, val or test',
  is: 'labelled, unlabelled or background',
  review: 'state of review',
  box: 'outside, huge or doubled',
  kind: 'kind of label',
  flag: 'of a label',
  by: 'who made a label',
  class: 'a label of the class',
  tag: 'the image has it',
  folder: 'where the image lies',
  name: 'part of the name',
};

/** The likeliest first. */
export function completionsAt(text: string, cursor: number, names: QueryNames): Completion[] {
  const before = text.slice(0, cursor);
  const { classes: classNames } = names;
  const ofRun = /(?:^|[\s(-])run:(?:"[^"]+"|[^\s"]+)\.([a-z]*)$/i.exec(before);
  if (ofRun !== null) {
    const typed = ofRun[1] ?? '';
    const measures = Object.entries(runMeasures).filter(([name]) => name.startsWith(typed.toLowerCase()));
    const from = cursor - typed.length;
    if (measures.length > 0) return measures.map(([name, help]) => ({ label: name, help, insert: `${name}>`, from }));
  }
  const value = /(?:^|[\s(-])([a-z]+):("?)((?:[^"\s]|(?<="[^"]*)\s)*)$/i.exec(before);
  if (value !== null) {
    const [, field = '', , typed = ''] = value;
    const known = valuesOf(field.toLowerCase(), names);
    const from = cursor - typed.length - (value[2]?.length ?? 0);
    if (field.toLowerCase() === 'run') {
      return matching(known, typed).map((word) => ({ label: word, help: 'run', insert: `${quoteValue(word)}.`, from }));
    }
    return matching(known, typed).map((word) => ({ label: word, help: field, insert: `${quoteValue(word)} `, from }));
  }
  const bracket = /(?:^|[\s(-])(count|area|boxaspect)\("?([^")]*)$/i.exec(before);
  if (bracket !== null) {
    const typed = bracket[2] ?? '';
    const from = cursor - typed.length;
    return matching(classNames, typed).map((name) => ({
      label: name,
      help: 'class',
      insert: `${bracketName(name)})>`,
      from,
    }));
  }
  const word = /(?:^|[\s(-])([a-z]*)$/i.exec(before);
  if (word === null) return [];
  const typed = word[1] ?? '';
  const from = cursor - typed.length;
  const fields = [
    ...Object.entries(fieldHelp).map(([name, help]) => ({ label: `${name}:`, help, insert: `${name}:`, from })),
    { label: 'run:', help: 'what a run found', insert: 'run:', from },
    ...(Object.keys(numberFields) as NumberField[]).map((name) => {
      const { help, of } = numberFields[name];
      return {
        label: of === 'labels' ? `${name}(class)` : name,
        help,
        insert: of === 'labels' ? `${name}(` : `${name}>`,
        from,
      };
    }),
  ];
  const classes =
    typed === ''
      ? []
      : matching(classNames, typed).map((name) => {
          return { label: `class:${name}`, help: 'class', insert: `class:${quoteValue(name)} `, from };
        });
  return [...fields.filter(({ label }) => label.startsWith(typed.toLowerCase())), ...classes].slice(0, MOST);
}

function bracketName(name: string): string {
  return /[()<>=!:"\s]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name;
}

function valuesOf(field: string, { classes, tags, runs }: QueryNames): readonly string[] {
  if (field === 'class') return classes;
  if (field === 'tag') return tags;
  if (field === 'run') return runs;
  return Object.hasOwn(wordFields, field) ? (wordFields[field as WordField] ?? []) : [];
}

/** Those that begin so first, then those that hold it. */
function matching(words: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const begins = words.filter((word) => word.toLowerCase().startsWith(wanted));
  const holds = words.filter((word) => !begins.includes(word) && word.toLowerCase().includes(wanted));
  return [...begins, ...holds].slice(0, MOST);
}
