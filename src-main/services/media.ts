/**
 * Pictures of images as PNG, for the addresses that `mediaUrl` makes. Reads only packs of open projects; an address
 * holds ids and never a path. Pixels are read by position and encoded off the main thread (sharp); small pictures that
 * were shown lately are kept.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { FoveaError, invariant } from '../contract/errors.ts';
import type { ImageId } from '../contract/model/ids.ts';
import type { PackRow } from '../store/image-repository.ts';
import type { MediaResponse } from './backend.ts';
import { ByteCache } from './byte-cache.ts';
import { packsFolder } from './datasets/discard-dataset.ts';
import { fileError } from './file-errors.ts';
import { Limiter } from './limiter.ts';
import type { OpenProject, OpenProjects } from './open-projects.ts';

type MediaKind = 'thumbnail' | 'image';

interface MediaAddress {
  projectId: string;
  kind: MediaKind;
  imageId: ImageId;
}

const THUMBNAIL_PX = 256;
/** More at once would not be quicker, and a grid that asks for hundreds would hold up everything else. */
const PICTURES_AT_ONCE = 8;
const CACHE_BYTES = 32 * 1024 * 1024;
const ADDRESS = /^media\/([0-9a-f-]{36})\/(thumbnail|image)\/([1-9][0-9]{0,14})$/;

export function createMedia(projects: OpenProjects): (path: string) => Promise<MediaResponse> {
  const thumbnails = new ByteCache(CACHE_BYTES);
  const limiter = new Limiter(PICTURES_AT_ONCE);
  const respond = async (path: string): Promise<MediaResponse> => {
    const address = parseAddress(path);
    const opened = projects.find(address.projectId);
    if (!opened) throw notFound(path);
    const source = opened.store.images.packRow(address.imageId);
    const render = (): Promise<Uint8Array> => renderPng(opened, source, address.kind);
    const body = address.kind === 'thumbnail' ? await thumbnails.get(path, render) : await render();
    return { contentType: 'image/png', body, immutable: true };
  };
  return (path) => limiter.run(() => respond(path));
}

function parseAddress(path: string): MediaAddress {
  const [, projectId, kind, id] = ADDRESS.exec(path) ?? [];
  if (projectId === undefined || id === undefined) throw notFound(path);
  return { projectId, kind: kind as MediaKind, imageId: Number(id) as ImageId };
}

function notFound(path: string): FoveaError {
  return new FoveaError('not-found', 'There is no such picture in an open project.', { path: path.slice(0, 200) });
}

async function renderPng({ folder }: OpenProject, source: PackRow, kind: MediaKind): Promise<Uint8Array> {
  const { channels, heightPx, widthPx } = source.pack;
  const planes = await readPixels(join(packsFolder(folder), source.pack.file), source);
  const image = sharp(interleave(planes, channels), {
    raw: { width: widthPx, height: heightPx, channels: channelCount(channels) },
  });
  if (kind === 'thumbnail')
    image.resize({ width: THUMBNAIL_PX, height: THUMBNAIL_PX, fit: 'inside', withoutEnlargement: true });
  return image.png({ compressionLevel: 3 }).toBuffer();
}

/** uint8 [channels, heightPx, widthPx]. Throws FoveaError `bad-input` where the pack ends before it. */
async function readPixels(file: string, { pack, row }: PackRow): Promise<Uint8Array> {
  const length = pack.channels * pack.heightPx * pack.widthPx;
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw fileError(error, 'read the image', file);
  });
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, row * length);
    if (bytesRead === length) return buffer;
    throw new FoveaError(
      'bad-input',
      `${file}: ends inside image ${row}. The file is damaged; import the data set again.`,
      { file, row },
    );
  } finally {
    await handle.close();
  }
}

/** Planes one after the other to values pixel by pixel: [C, H, W] → [H, W, C]. */
function interleave(planes: Uint8Array, channels: number): Uint8Array {
  if (channels === 1) return planes;
  const planeLength = planes.length / channels;
  const pixels = new Uint8Array(planes.length);
  for (let channel = 0; channel < channels; channel++) {
    const plane = channel * planeLength;
    for (let index = 0; index < planeLength; index++) pixels[index * channels + channel] = planes[plane + index] ?? 0;
  }
  return pixels;
}

function channelCount(channels: number): 1 | 2 | 3 | 4 {
  invariant(channels === 1 || channels === 2 || channels === 3 || channels === 4, `a pack has ${channels} channels`);
  return channels;
}
