/** Fetches and decodes a picture, ready to be drawn at once. Throws where it cannot be read. */
export async function loadPicture(url: string): Promise<HTMLImageElement> {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}
