/** What a drop of several files and folders is to the import: places to look into, each once. */

const imageName = /\.(jpe?g|png|webp|tiff?|bmp|avif|gif)$/i;

/** An image stands for its folder, as it does where it is chosen by itself; everything else for itself. */
export function importSources(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => (imageName.test(path) ? folderOf(path) : path)))];
}

function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return end <= 0 ? path : path.slice(0, end);
}
