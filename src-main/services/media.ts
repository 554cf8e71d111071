/**
 * Pictures of images, for the addresses that `mediaUrl` makes. Reads only packs and image files of open projects; an
 * address holds ids and never a path. Image files are decoded in a process of their own; small pictures that were shown
 * lately are kept, those of image files on disk.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FoveaError } from '../contract/errors.ts';
import type { AnnotationId, DatasetId, ImageId } from '../contract/model/ids.ts';
import { joinPictures, smallPicturesMax, smallPx } from '../contract/model/small-pictures.ts';
import { previewPx } from '../contract/model/tiles.ts';
import { sheetImagesMax } from '../contract/model/thumbnail-sheet.ts';
import type { ImageFile, PackRow, PixelSource } from '../store/image-repository.ts';
import type { MediaResponse } from './backend.ts';
import { ByteCache } from './byte-cache.ts';
import { Limiter } from './limiter.ts';
import type { OpenProject, OpenProjects } from './open-projects.ts';
import { fileError } from './file-errors.ts';
import { filePath } from './image-pixels.ts';
import { readCover, renderCover } from './project-cover.ts';
import type { PictureCaches } from './picture-caches.ts';
import { thumbnailFolder } from './picture-cache.ts';
import { thumbnailPx } from './pictures/draw-picture.ts';
import type { PictureDrawer } from './pictures/picture-drawer.ts';
import type { TilePyramids } from './tiles/tile-pyramids.ts';
import { renderSheet } from './thumbnail-sheet.ts';

/** The folder of a project among the recent ones, open or not; null where it is unknown. */
export type FindRecentFolder = (projectId: string) => Promise<string | null>;

/** More at once would not be quicker, and a grid that asks for hundreds would hold up everything else. */
const PICTURES_AT_ONCE = 8;
const CACHE_BYTES = 32 * 1024 * 1024;
const TILE_ADDRESS = /^media\/([0-9a-f-]{36})\/tile\/([1-9][0-9]{0,14})\.([0-9]{1,2})\.([0-9]{1,4})\.([0-9]{1,4})$/;
const ADDRESS =
  /^media\/([0-9a-f-]{36})\/(cover|thumbnail|small|preview|image|crop|sheet)(?:\/([1-9][0-9]{0,14}(?:\.[1-9][0-9]{0,14})*))?$/;

export function createMedia(
  projects: OpenProjects,
  findRecentFolder: FindRecentFolder,
  { caches, pyramids, drawer }: { caches: PictureCaches; pyramids: TilePyramids; drawer: PictureDrawer },
): (path: string) => Promise<MediaResponse> {
  const small = new ByteCache<Uint8Array>(CACHE_BYTES, ({ length }) => length);
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

  const crop = async (path: string, { store, folder }: OpenProject, id: number | undefined): Promise<MediaResponse> => {
    if (id === undefined) throw notFound(path);
    const { imageId, bboxXyxy } = store.library.crop(id as AnnotationId);
    const source = store.images.pixelSource(imageId);
    // Labels are moved and resized, so that the box is a part of what is kept.
    const body = await small.get(`${path} ${bboxXyxy.join()}`, () => drawer.crop(folder, source, bboxXyxy));
    return { contentType: 'image/webp', body, immutable: false };
  };

  const tile = async (path: string, [projectId = '', ...numbers]: string[]): Promise<MediaResponse> => {
    const { store, folder: projectFolder } = openProject(path, projectId);
    const [id = 0, level = 0, column = 0, row = 0] = numbers.map(Number);
    const imageId = id as ImageId;
    const source = store.images.pixelSource(imageId);
    if (source.kind === 'pack') throw notFound(path);
    const { widthPx, heightPx } = store.images.get(imageId);
    const image = { projectFolder, imageId, file: source.file, widthPx, heightPx };
    const picture = await pyramids.tile(image, { level, column, row }, caches.of(projectFolder));
    return { ...picture, immutable: false };
  };

  /** Null where it cannot be made: one that is damaged shall not keep the others back. */
  const smallPicture = async ({ store, folder }: OpenProject, imageId: ImageId): Promise<Uint8Array | null> => {
    const source = store.images.pixelSource(imageId);
    const render = () => drawer.whole(folder, source, smallPx);
    if (source.kind === 'pack') return render();
    return caches.of(folder).fileAtOnce(keptFile(source.file.datasetId, imageId, '-small'), render);
  };

  const smallPictures = async (path: string, { projectId, imageIds }: MediaAddress): Promise<MediaResponse> => {
    const opened = openProject(path, projectId);
    const pictures = imageIds.map((id) => limiter.run(() => smallPicture(opened, id)).catch(() => null));
    return {
      contentType: 'application/octet-stream',
      body: joinPictures(await Promise.all(pictures)),
      immutable: false,
    };
  };

  const respond = async (path: string): Promise<MediaResponse> => {
    const { projectId, kind, imageIds } = parseAddress(path);
    if (kind === 'cover') return cover(path, projectId);
    if (kind === 'crop') return crop(path, openProject(path, projectId), imageIds[0]);
    const { store, folder } = openProject(path, projectId);
    // Asked each time, so that nothing of a deleted data set is answered out of what was kept.
    const sources = imageIds.map((id) => store.images.pixelSource(id));
    if (kind === 'sheet') {
      const body = await small.get(path, () => renderSheet(folder, sources.map(requirePacked)));
      return { contentType: 'image/png', body, immutable: true };
    }
    const [source] = sources;
    const [imageId] = imageIds;
    if (source === undefined || imageId === undefined) throw notFound(path);
    const render = (maxPx: number | null) => drawer.whole(folder, source, maxPx);
    if (source.kind === 'pack') {
      const body = kind === 'image' ? await render(null) : await small.get(path, () => render(thumbnailPx));
      return { contentType: 'image/png', body, immutable: true };
    }
    // A referenced file may change, so that the page must not keep its pictures for ever.
    if (kind === 'image') return { ...(await fullImage(folder, source.file, () => render(null))), immutable: false };
    const { datasetId } = source.file;
    const cache = caches.of(folder);
    if (kind === 'preview') {
      const body = await cache.file(keptFile(datasetId, imageId, '-preview'), () => render(previewPx));
      return { contentType: 'image/webp', body, immutable: false };
    }
    const body = await small.get(path, () => cache.file(keptFile(datasetId, imageId, ''), () => render(thumbnailPx)));
    return { contentType: 'image/webp', body, immutable: false };
  };
  return async (path) => {
    const [, ...ofTile] = TILE_ADDRESS.exec(path) ?? [];
    // Tiles wait while they are made elsewhere; other pictures shall not wait with them.
    if (ofTile.length > 0) return tile(path, ofTile);
    const address = ADDRESS.exec(path)?.[2] === 'small' ? parseAddress(path) : null;
    return address === null ? limiter.run(() => respond(path)) : smallPictures(path, address);
  };
}

const IMAGES_PER_FOLDER = 1000;

/** Relative to the project. */
function keptFile(datasetId: DatasetId, imageId: ImageId, suffix: string): string {
  return join(thumbnailFolder(datasetId), String(Math.floor(imageId / IMAGES_PER_FOLDER)), `${imageId}${suffix}.webp`);
}

/** How many images an address names, at least and at most. */
const IMAGES_OF = {
  cover: [0, 0],
  thumbnail: [1, 1],
  preview: [1, 1],
  image: [1, 1],
  crop: [1, 1],
  sheet: [1, sheetImagesMax],
  small: [1, smallPicturesMax],
} as const;

interface MediaAddress {
  projectId: string;
  kind: keyof typeof IMAGES_OF;
  /** The label's id for a crop. Empty for a cover, one for a picture, up to `sheetImagesMax` for a sheet. */
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

function requirePacked(source: PixelSource): PackRow {
  if (source.kind === 'pack') return source.packed;
  throw new FoveaError('unsupported', 'A sheet holds images in packs only; ask for the thumbnail of an image file.');
}

/** What a page shows upright by itself is passed on as it is. */
export async function fullImage(
  folder: string,
  image: ImageFile,
  render: () => Promise<Uint8Array>,
): Promise<{ contentType: string; body: Uint8Array }> {
  const { mediaType, orientation } = image;
  const isShownByPage =
    mediaType === 'image/jpeg' || (orientation === 1 && ['image/png', 'image/webp', 'image/bmp'].includes(mediaType));
  if (!isShownByPage) return { contentType: 'image/png', body: await render() };
  const file = filePath(folder, image);
  const body = await readFile(file).catch((error: unknown) => {
    throw fileError(error, 'read the image', file);
  });
  return { contentType: mediaType, body };
}
