/** What could stand at the cursor of a text query, for the window. Pure. */
import { numberFields, quoteValue, wordFields, type NumberField, type WordField } from './syntax.ts';

export interface Completion {
  /** What the person sees. */
  label: string;
  /** One word of explanation. */
  help: string;
  /** Replaces the text from `from` to the cursor. */
  insert: string;
  from: number;
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
  name: 'part of the name',
};

/** `classNames`: those of the data set. The likeliest first. */
export function completionsAt(text: string, cursor: number, classNames: readonly string[]): Completion[] {
  const before = text.slice(0, cursor);
  const value = /(?:^|[\s(-])([a-z]+):("?)((?:[^"\s]|(?<="[^"]*)\s)*)$/i.exec(before);
  if (value !== null) {
    const [, field = '', , typed = ''] = value;
    const known = valuesOf(field.toLowerCase(), classNames);
    const from = cursor - typed.length - (value[2]?.length ?? 0);
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

function valuesOf(field: string, classNames: readonly string[]): readonly string[] {
  if (field === 'class') return classNames;
  return Object.hasOwn(wordFields, field) ? (wordFields[field as WordField] ?? []) : [];
}

/** Those that begin so first, then those that hold it. */
function matching(words: readonly string[], typed: string): string[] {
  const wanted = typed.toLowerCase();
  const begins = words.filter((word) => word.toLowerCase().startsWith(wanted));
  const holds = words.filter((word) => !begins.includes(word) && word.toLowerCase().includes(wanted));
  return [...begins, ...holds].slice(0, MOST);
}
