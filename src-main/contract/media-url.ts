/**
 * Addresses of pictures, relative to the page, the same in every host.
 * thumbnail: the image at its own size, or scaled down to at most 256 px; image: at full size. Both upright.
 * cover: picture of a recent project, open or not (its first images in a mosaic); `not-found` while it has no image.
 */
export const mediaUrl = {
  cover: (project: string): string => `media/${project}/cover`,
  /** Up to 100 tiny images in one PNG; see model/thumbnail-sheet.ts. */
  sheet: (project: string, images: readonly number[]): string => `media/${project}/sheet/${images.join('.')}`,
  thumbnail: (project: string, image: number): string => `media/${project}/thumbnail/${image}`,
  /** Of up to 16 images, joined; see model/small-pictures.ts. */
  small: (project: string, images: readonly number[]): string => `media/${project}/small/${images.join('.')}`,
  image: (project: string, image: number): string => `media/${project}/image/${image}`,
  /** At most `previewPx` on its longer side; quicker than the whole of a large image. */
  preview: (project: string, image: number): string => `media/${project}/preview/${image}`,
  /** Of an image that is tiled; see model/tiles.ts. Waits while the tiles are made. */
  tile: (project: string, image: number, level: number, column: number, row: number): string =>
    `media/${project}/tile/${image}.${level}.${column}.${row}`,
  /** Of an image that a network has looked at and that belongs to no data set; `index` as in `predict.image`. */
  predicted: (project: string, set: string, index: number): string => `media/${project}/predicted/${set}/${index}`,
  predictedThumbnail: (project: string, set: string, index: number): string =>
    `media/${project}/predicted-thumbnail/${set}/${index}`,
  /** The part of its image that a label covers, with a little around it, at most 256 px. */
  crop: (project: string, label: number): string => `media/${project}/crop/${label}`,
};
