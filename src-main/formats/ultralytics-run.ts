/**
 * A training run as Ultralytics' tools leave it: what `args.yaml` says it was asked for, and what `results.csv` measured, a
 * row an epoch. Column and option names are facts of those files. Pure.
 */
import { parse } from 'yaml';
import { FoveaError } from '../contract/errors.ts';

export interface ForeignArgs {
  /** Scalars by name; what is nested is left out. */
  values: ReadonlyMap<string, string | number | boolean | null>;
}

/** Throws FoveaError `bad-input` that names the file and the line. */
export function parseArgs(file: string, text: string): ForeignArgs {
  let document: unknown;
  try {
    // Maps, so that a key such as __proto__ is only a key; no aliases are needed.
    document = parse(text, { mapAsMap: true, maxAliasCount: 0, logLevel: 'error' });
  } catch (cause) {
    const message = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    throw new FoveaError('bad-input', `${file}: this is no valid YAML (${message}).`, { file }, { cause });
  }
  if (!(document instanceof Map))
    throw new FoveaError('bad-input', `${file}: expected names with values, as args.yaml has them.`, { file });
  const values = new Map<string, string | number | boolean | null>();
  for (const [key, value] of document as Map<unknown, unknown>) {
    const isScalar = value === null || ['string', 'number', 'boolean'].includes(typeof value);
    if (typeof key === 'string' && isScalar) values.set(key, value as string | number | boolean | null);
  }
  return { values };
}

export interface ForeignResults {
  columns: readonly string[];
  /** NaN where a field is empty or no number. */
  rows: readonly (readonly number[])[];
}

/** Names may be padded with spaces, as older versions wrote them. Throws FoveaError `bad-input`. */
export function parseResults(file: string, text: string): ForeignResults {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const columns = (lines[0] ?? '').split(',').map((name) => name.trim());
  const epoch = columns.indexOf('epoch');
  if (epoch < 0) throw new FoveaError('bad-input', `${file}: its first line has no column “epoch”.`, { file, line: 1 });
  const rows = lines.slice(1).map((line, index) => {
    const fields = line.split(',');
    if (fields.length !== columns.length)
      throw new FoveaError(
        'bad-input',
        `${file}, line ${index + 2}: ${fields.length} values, but ${columns.length} columns.`,
        { file, line: index + 2 },
      );
    return fields.map((field) => (field.trim() === '' ? Number.NaN : Number(field)));
  });
  const bad = rows.findIndex((row) => !Number.isFinite(row[epoch]));
  if (bad >= 0)
    throw new FoveaError('bad-input', `${file}, line ${bad + 2}: the epoch is no number.`, { file, line: bad + 2 });
  return { columns, rows };
}
