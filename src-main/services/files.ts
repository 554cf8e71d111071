/** Lists a folder for the page's own chooser, where the host has no dialogs. */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { FolderListing } from '../contract/calls/app.ts';
import { fileError } from './file-errors.ts';

/** Folders first, then files, by name; hidden entries and those that cannot be looked at are left out. Throws `not-found` or `io`. */
export async function listFiles(folder: string, includeFiles: boolean): Promise<FolderListing> {
  const path = resolve(folder);
  const items = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw fileError(error, 'list the folder', path);
  });
  const visible = items.filter((item) => !item.name.startsWith('.'));
  const entries = await Promise.all(visible.map((item) => describe(path, item.name)));
  const parent = dirname(path);
  return {
    path,
    parent: parent === path ? null : parent,
    entries: entries
      .filter((entry) => entry !== null)
      .filter((entry) => includeFiles || entry.kind === 'folder')
      .sort(byKindThenName),
  };
}

type Entry = FolderListing['entries'][number];

async function describe(folder: string, name: string): Promise<Entry | null> {
  const path = join(folder, name);
  const facts = await stat(path).catch(() => null);
  if (facts?.isDirectory()) return { name, path, kind: 'folder' };
  return facts?.isFile() ? { name, path, kind: 'file' } : null;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function byKindThenName(a: Entry, b: Entry): number {
  if (a.kind !== b.kind) return a.kind === 'folder' ? -1 : 1;
  return collator.compare(a.name, b.name);
}
