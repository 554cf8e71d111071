/**
 * Pictures of images that a network has looked at and that belong to no data set, for the addresses `mediaUrl.predicted` and
 * `predictedThumbnail`. Only files that a kept prediction names are read.
 */
import { basename, dirname } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { DatasetId, PredictionSetId } from '../../contract/model/ids.ts';
import type { MediaResponse } from '../backend.ts';
import { ByteCache } from '../byte-cache.ts';
import { probeImage } from '../import/files/probe-image.ts';
import { Limiter } from '../limiter.ts';
import { fullImage } from '../media.ts';
import type { OpenProjects } from '../open-projects.ts';
import { thumbnailPx } from '../pictures/draw-picture.ts';
import type { PictureDrawer } from '../pictures/picture-drawer.ts';
import { readSet } from './prediction-sets.ts';

const ADDRESS = /^media\/([0-9a-f-]{36})\/(predicted|predicted-thumbnail)\/([0-9a-f-]{36})\/([0-9]{1,7})$/;
const CACHE_BYTES = 16 * 1024 * 1024;
const PICTURES_AT_ONCE = 4;

/** Null for an address of another kind. */
export function createPredictedMedia(
  projects: OpenProjects,
  drawer: PictureDrawer,
): (path: string) => Promise<MediaResponse> | null {
  const small = new ByteCache<Uint8Array>(CACHE_BYTES, ({ length }) => length);
  const limiter = new Limiter(PICTURES_AT_ONCE);
  const files = new Map<string, readonly string[]>();

  /** Pictures are asked for by the hundred, and the list only grows. */
  async function fileOf(folder: string, id: PredictionSetId, index: number): Promise<string> {
    let known = files.get(id);
    if (known === undefined || index >= known.length) {
      const { images } = await readSet(folder, id);
      known = images.map(({ file }) => file);
      files.set(id, known);
    }
    const file = known[index];
    if (file === undefined) throw new FoveaError('not-found', 'There is no such picture in an open project.');
    return file;
  }

  return (path) => {
    const [, projectId, kind, id, index] = ADDRESS.exec(path) ?? [];
    if (projectId === undefined) return null;
    return limiter.run(async () => {
      const opened = projects.find(projectId);
      if (opened === null) throw new FoveaError('not-found', 'There is no such picture in an open project.', { path });
      const file = await fileOf(opened.folder, id as PredictionSetId, Number(index));
      const facts = await probeImage(file);
      const image = { datasetId: 0 as DatasetId, root: dirname(file), path: basename(file), ...facts };
      const render = (maxPx: number | null): Promise<Uint8Array> =>
        drawer.whole(opened.folder, { kind: 'file', file: image }, maxPx);
      if (kind === 'predicted')
        return { ...(await fullImage(opened.folder, image, () => render(null))), immutable: false };
      const body = await small.get(path, () => render(thumbnailPx));
      return { contentType: 'image/webp', body, immutable: false };
    });
  };
}
