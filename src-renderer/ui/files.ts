/** Files that the person keeps or brings, through the browser's own ways, which Electron shows as its dialogs. */

export function saveTextFile(name: string, text: string, mediaType: string): void {
  saveBlob(name, new Blob([text], { type: mediaType }));
}

export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Freed once the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Null where the person chooses none. */
export function chooseTextFile(accept: string): Promise<File | null> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = accept;
    input.addEventListener('change', () => resolve(input.files?.[0] ?? null));
    input.addEventListener('cancel', () => resolve(null));
    input.click();
  });
}

/** What a name may hold in a file's name on every system. */
export function fileNameOf(name: string, extension: string): string {
  const plain = name
    .replace(/[^\p{L}\p{N} .,_-]+/gu, '-')
    .slice(0, 80)
    .trim();
  return `${plain || 'fovea'}.${extension}`;
}

/** The last part of a path, of any system. */
export const baseName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;
