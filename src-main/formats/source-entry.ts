/** What a format is recognised by: the names and sizes in a folder or an archive, without their content. */

export interface SourceEntry {
  /** Relative to the folder or archive, with forward slashes. */
  path: string;
  sizeBytes: number;
}

/** A reason why something cannot be imported as it is; `source` is the file it is about, `line` 1-based. */
export interface Failure {
  source: string;
  line?: number;
  reason: string;
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** "" for a file at the top. */
function folderName(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Entries by folder, then by file name. Leaves out the hidden companions that macOS puts into archives ("._name"). */
export function byFolder(entries: readonly SourceEntry[]): Map<string, Map<string, SourceEntry>> {
  const folders = new Map<string, Map<string, SourceEntry>>();
  for (const entry of entries) {
    const name = baseName(entry.path);
    if (name.startsWith('._')) continue;
    const folder = folderName(entry.path);
    const files = folders.get(folder) ?? new Map<string, SourceEntry>();
    folders.set(folder, files.set(name, entry));
  }
  return folders;
}
