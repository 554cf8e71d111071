/** The order of classes for formats that have none of their own: a file of names beside the data, one a line. */
import { baseName, type SourceEntry } from '../../../formats/source-entry.ts';
import { readText } from './read-text.ts';

/** labelme's names for what is no class. */
const NO_CLASS = /^(__ignore__|_background_)$/;

/** Empty where there is no such file. */
export async function listedClasses(folder: string, entries: readonly SourceEntry[]): Promise<string[]> {
  const file = entries.find(({ path }) => !path.includes('/') && /^(classes|labels)\.txt$/i.test(baseName(path)));
  if (file === undefined) return [];
  const names = (await readText(folder, file)).split(/\r?\n/).map((line) => line.trim());
  return [...new Set(names.filter((name) => name !== '' && !NO_CLASS.test(name)))];
}
