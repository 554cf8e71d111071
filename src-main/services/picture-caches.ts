/** The picture cache of each open project, and the calls about it. */
import type { Handlers } from '../contract/ipc.ts';
import { usualCacheLimitMegabytes, type CacheUsage, type Settings } from '../contract/model/project.ts';
import type { OpenProjects } from './open-projects.ts';
import { PictureCache } from './picture-cache.ts';

type CacheCalls = 'cache.usage' | 'cache.empty';

export class PictureCaches {
  readonly #settings: () => Promise<Settings>;
  /** By the project's folder. */
  readonly #caches = new Map<string, PictureCache>();

  constructor(settings: () => Promise<Settings>) {
    this.#settings = settings;
  }

  of(projectFolder: string): PictureCache {
    const cache = this.#caches.get(projectFolder) ?? new PictureCache(projectFolder, () => this.limitBytes());
    this.#caches.set(projectFolder, cache);
    return cache;
  }

  /** Resolves when all that was made is on disk. */
  async settled(): Promise<void> {
    await Promise.all([...this.#caches.values()].map((cache) => cache.settled()));
  }

  /** What each project's pictures may take. */
  async limitBytes(): Promise<number> {
    const { cacheLimitMegabytes = usualCacheLimitMegabytes } = await this.#settings();
    return cacheLimitMegabytes * 1e6;
  }
}

export function createCacheHandlers(projects: OpenProjects, caches: PictureCaches): Pick<Handlers, CacheCalls> {
  const usage = async (folder: string): Promise<CacheUsage> => ({
    usedBytes: await caches.of(folder).usage(),
    limitBytes: await caches.limitBytes(),
  });
  return {
    'cache.usage': async ({ projectId }) => {
      const { folder } = projects.get(projectId);
      const cache = caches.of(folder);
      const limitBytes = await caches.limitBytes();
      // A limit that was lowered since holds from now on.
      if ((await cache.usage()) > limitBytes) await cache.trimTo(limitBytes);
      return usage(folder);
    },
    'cache.empty': async ({ projectId }) => {
      const { folder } = projects.get(projectId);
      await caches.of(folder).trimTo(0);
      return usage(folder);
    },
  };
}
