/** Where the picture of an image comes from: as a whole, or in tiles where it is large. */
import type { ImageSummary } from '../../src-main/contract/model/dataset.ts';
import type { ProjectId } from '../../src-main/contract/model/ids.ts';
import { isTiled } from '../../src-main/contract/model/tiles.ts';
import type { Api } from '../api/client.svelte.ts';
import type { PictureSource } from '../canvas/drawing/picture.ts';

export function pictureSource(
  media: Api['media'],
  projectId: ProjectId,
  { imageId, widthPx, heightPx }: Pick<ImageSummary, 'imageId' | 'widthPx' | 'heightPx'>,
): PictureSource {
  const size = { widthPx, heightPx };
  return {
    url: media.image(projectId, imageId),
    tiles: isTiled(size)
      ? {
          size,
          previewUrl: media.preview(projectId, imageId),
          tileUrl: (level, column, row) => media.tile(projectId, imageId, level, column, row),
        }
      : null,
  };
}
