import { splitPictures } from '../../../src-main/contract/model/small-pictures.ts';

/** Fetches and decodes a picture, ready to be drawn at once. Throws where it cannot be read. */
export async function loadPicture(url: string): Promise<HTMLImageElement> {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}

/** The same as plain pixels: a picture that is drawn in every frame may have to be decoded for every frame. */
export async function loadBitmap(url: string): Promise<ImageBitmap> {
  return createImageBitmap(await loadPicture(url));
}

/** Pictures that come joined; null for each that cannot be read. Throws where none came. */
export async function loadSmall(url: string): Promise<(ImageBitmap | null)[]> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const pictures = splitPictures(await response.arrayBuffer());
  return Promise.all(
    pictures.map((bytes) => (bytes === null ? null : createImageBitmap(new Blob([bytes])).catch(() => null))),
  );
}
