/**
 * Pictures of images as PNG, for the addresses that `mediaUrl` makes. Reads only packs of open projects; an address
 * holds ids and never a path. Pixels are read by position and encoded off the main thread (sharp); small pictures that
 * were shown lately are kept.
 */
import { FoveaError, invariant } from '../contract/errors.ts';
import type { ImageId } from '../contract/model/ids.ts';
import { sheetImagesMax } from '../contract/model/thumbnail-sheet.ts';
import type { PackRow } from '../store/image-repository.ts';
import type { MediaResponse } from './backend.ts';
import { ByteCache } from './byte-cache.ts';
import { Limiter } from './limiter.ts';
import type { OpenProject, OpenProjects } from './open-projects.ts';
import { imageCodec } from './image-codec.ts';
import { channelCount, interleave, readPackImages } from './pack-pixels.ts';
import { readCover, renderCover } from './project-cover.ts';
import { renderSheet } from './thumbnail-sheet.ts';

/** The folder of a project among the recent ones, open or not; null where it is unknown. */
export type FindRecentFolder = (projectId: string) => Promise<string | null>;

const THUMBNAIL_PX = 256;
/** More at once would not be quicker, and a grid that asks for hundreds would hold up everything else. */
const PICTURES_AT_ONCE = 8;
const CACHE_BYTES = 32 * 1024 * 1024;
const ADDRESS =
  /^media\/([0-9a-f-]{36})\/(cover|thumbnail|image|sheet)(?:\/([1-9][0-9]{0,14}(?:\.[1-9][0-9]{0,14})*))?$/;

export function createMedia(
  projects: OpenProjects,
  findRecentFolder: FindRecentFolder,
): (path: string) => Promise<MediaResponse> {
  const small = new ByteCache(CACHE_BYTES);
  const limiter = new Limiter(PICTURES_AT_ONCE);

  const openProject = (path: string, projectId: string): OpenProject => {
    const opened = projects.find(projectId);
    if (!opened) throw notFound(path);
    return opened;
  };

  const cover = async (path: string, projectId: string): Promise<MediaResponse> => {
    const opened = projects.find(projectId);
    const folder = opened ? null : await findRecentFolder(projectId);
    const body = opened ? await renderCover(opened) : folder === null ? null : await readCover(folder);
    if (body === null) throw notFound(path);
    return { contentType: 'image/png', body, immutable: false };
  };

  const respond = async (path: string): Promise<MediaResponse> => {
    const { projectId, kind, imageIds } = parseAddress(path);
    if (kind === 'cover') return cover(path, projectId);
    const { store, folder } = openProject(path, projectId);
    // Asked each time, so that nothing of a deleted data set is answered out of what was kept.
    const rows = imageIds.map((id) => store.images.packRow(id));
    const makers = {
      image: () => renderImage(folder, rows, null),
      thumbnail: () => small.get(path, () => renderImage(folder, rows, THUMBNAIL_PX)),
      sheet: () => small.get(path, () => renderSheet(folder, rows)),
    };
    return { contentType: 'image/png', body: await makers[kind](), immutable: true };
  };
  return (path) => limiter.run(() => respond(path));
}

/** How many images an address names, at least and at most. */
const IMAGES_OF = { cover: [0, 0], thumbnail: [1, 1], image: [1, 1], sheet: [1, sheetImagesMax] } as const;

interface MediaAddress {
  projectId: string;
  kind: 'cover' | 'thumbnail' | 'image' | 'sheet';
  /** Empty for a cover, one for a picture, up to `sheetImagesMax` for a sheet. */
  imageIds: ImageId[];
}

function parseAddress(path: string): MediaAddress {
  const [, projectId, kind, ids] = ADDRESS.exec(path) ?? [];
  if (projectId === undefined || kind === undefined) throw notFound(path);
  const imageIds = (ids?.split('.') ?? []).map((id) => Number(id) as ImageId);
  const [fewest, most] = IMAGES_OF[kind as MediaAddress['kind']];
  if (imageIds.length < fewest || imageIds.length > most) throw notFound(path);
  return { projectId, kind: kind as MediaAddress['kind'], imageIds };
}

function notFound(path: string): FoveaError {
  return new FoveaError('not-found', 'There is no such picture in an open project.', { path: path.slice(0, 200) });
}

/** The picture of the only row, at most `maxPx` on its longer side, or at its own size where that is null. */
async function renderImage(folder: string, rows: readonly PackRow[], maxPx: number | null): Promise<Uint8Array> {
  const [planes] = await readPackImages(folder, rows);
  const [source] = rows;
  invariant(source && planes, 'a picture is made of one image');
  const { channels, heightPx, widthPx } = source.pack;
  const raw = { width: widthPx, height: heightPx, channels: channelCount(channels) };
  const sharp = await imageCodec();
  const image = sharp(interleave(planes, channels), { raw });
  if (maxPx !== null) image.resize({ width: maxPx, height: maxPx, fit: 'inside', withoutEnlargement: true });
  if (channels < 3) image.toColourspace('b-w');
  return image.png({ compressionLevel: 3 }).toBuffer();
}
