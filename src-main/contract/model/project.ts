/** A project: one folder with project.sqlite, packs/, runs/ and cache/. */
import * as v from 'valibot';
import { projectId } from './ids.ts';

export const project = v.object({
  projectId,
  name: v.string(),
  /** Absolute path of the project folder. */
  path: v.string(),
  createdAt: v.string(),
});
export type Project = v.InferOutput<typeof project>;

export const recentProject = v.object({
  projectId,
  name: v.string(),
  path: v.string(),
  openedAt: v.string(),
  /** False where the folder is gone; the entry stays until the person forgets it. */
  exists: v.boolean(),
  imageCount: v.number(),
  runCount: v.number(),
});
export type RecentProject = v.InferOutput<typeof recentProject>;

export const settings = v.object({
  theme: v.picklist(['system', 'dark', 'light']),
  /** Where new projects go unless the person says otherwise. */
  projectsFolder: v.string(),
  /** Of each project's thumbnails and tiles on disk, megabytes; absent: `usualCacheLimitMegabytes`. */
  cacheLimitMegabytes: v.optional(v.pipe(v.number(), v.minValue(50), v.maxValue(1_000_000))),
  /** Free-form view state of the renderer (panel sizes, last screen), by key. */
  view: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
});
export type Settings = v.InferOutput<typeof settings>;

export const usualCacheLimitMegabytes = 4000;

/** Pictures that a project keeps on disk to be quick, all of which can be worked out again. */
export const cacheUsage = v.object({ usedBytes: v.number(), limitBytes: v.number() });
export type CacheUsage = v.InferOutput<typeof cacheUsage>;
