/**
 * Where a folder's files lead to other folders: text files that stand for a link (“../images”), as git and zip tools write
 * them where the file system has none, and places beside the folder that its YAML files name.
 */
import { readFile, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { folderOf } from '../../formats/image-files.ts';
import { baseName, type SourceEntry } from '../../formats/source-entry.ts';

const LONGEST_LINK_BYTES = 1024;
const LONGEST_YAML_BYTES = 256 * 1024;
const MOST_FILES = 100;

/** Path of each such file and where it leads, both relative to the folder; the latter may lead out of it. */
export type FolderLinks = ReadonlyMap<string, string>;

export async function readLinks(folder: string, entries: readonly SourceEntry[]): Promise<FolderLinks> {
  const links = new Map<string, string>();
  const candidates = entries.filter(({ path }) => !baseName(path).includes('.')).slice(0, MOST_FILES);
  for (const entry of candidates) {
    if (entry.sizeBytes === 0 || entry.sizeBytes > LONGEST_LINK_BYTES) continue;
    const text = (await readText(folder, entry)).trim();
    if (!/^\.\.?\/[^\0\r\n]+$/.test(text)) continue;
    links.set(entry.path, withoutEndSlash(posix.join(folderOf(entry.path), text)));
  }
  return links;
}

/** Folders beside this one that its links or its YAML files name, as paths from the folder around it. */
export async function placesBeside(
  folder: string,
  entries: readonly SourceEntry[],
  links: FolderLinks,
): Promise<string[]> {
  const named = [...links.values()];
  const texts = entries.filter(({ path }) => /^[^/]+\.ya?ml$/i.test(path)).slice(0, MOST_FILES);
  for (const entry of texts) {
    if (entry.sizeBytes > LONGEST_YAML_BYTES) continue;
    const text = await readText(folder, entry);
    for (const [, place = ''] of text.matchAll(/(?:^|[:\-[,])\s*["']?(\.\.\/[^"'\r\n#,\]]+)/gm))
      named.push(place.trim());
  }
  const places = new Set<string>();
  for (const place of named) {
    const [up, ...inside] = withoutEndSlash(posix.normalize(place)).split('/');
    // Only what is directly beside it, and never the folder around it as a whole.
    if (up !== '..' || inside.length === 0 || inside[0] === '..') continue;
    const facts = await stat(join(folder, place)).catch(() => null);
    if (facts?.isDirectory()) places.add(inside.join('/'));
  }
  return [...places];
}

/** The path with a link at its beginning replaced by where that leads. */
export function throughLinks(path: string, links: FolderLinks): string {
  for (const [link, target] of links) {
    if (path === link || path.startsWith(`${link}/`)) return posix.join(target, path.slice(link.length));
  }
  return path;
}

function withoutEndSlash(path: string): string {
  return path.replace(/\/+$/, '');
}

async function readText(folder: string, { path }: SourceEntry): Promise<string> {
  return readFile(join(folder, path), 'utf8').catch(() => '');
}
