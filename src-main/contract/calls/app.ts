/** The app itself: settings, files, projects, jobs and devices. */
import * as v from 'valibot';
import { deviceCheck, deviceChecks, deviceInfo } from '../model/device.ts';
import { jobId } from '../model/ids.ts';
import { job } from '../model/job.ts';
import { cacheUsage, project, recentProject, settings } from '../model/project.ts';
import { device } from '../model/run.ts';
import { inProject, name, nothing, path } from './fields.ts';

export const capabilities = v.object({
  /** Native file dialogs exist; where not, the renderer offers its own folder browser over `files.list`. */
  nativeDialogs: v.boolean(),
  version: v.string(),
  platform: v.string(),
  cpuCount: v.number(),
  memoryBytes: v.number(),
});
export const folderListing = v.object({
  path: v.string(),
  parent: v.nullable(v.string()),
  entries: v.array(v.object({ name: v.string(), path: v.string(), kind: v.picklist(['folder', 'file']) })),
});
export type Capabilities = v.InferOutput<typeof capabilities>;
export type FolderListing = v.InferOutput<typeof folderListing>;

export const appCalls = {
  'app.capabilities': { request: nothing, response: capabilities },
  'settings.get': { request: nothing, response: settings },
  'settings.update': { request: v.object({ patch: v.partial(settings) }), response: settings },
  /** Asks the person for a path with the system's dialog; null when they cancel. Only with `nativeDialogs`. */
  'dialog.choosePath': {
    request: v.object({ title: v.string(), kind: v.picklist(['folder', 'file', 'file-or-folder']) }),
    response: v.nullable(v.string()),
  },
  /** Folders (and files where asked) below a path; the person's home where the path is null. */
  'files.list': { request: v.object({ path: v.nullable(path), includeFiles: v.boolean() }), response: folderListing },
  'project.recent': { request: nothing, response: v.array(recentProject) },
  'project.create': { request: v.object({ name, parentFolder: path }), response: project },
  'project.open': { request: v.object({ path }), response: project },
  /** Takes it off the list of recent projects; touches no file. */
  'project.forget': { request: v.object({ path }), response: nothing },
  /** What the project's thumbnails and tiles take on disk, and may take. */
  'cache.usage': { request: v.object(inProject), response: cacheUsage },
  /** Deletes them; each is made again when it is looked at. */
  'cache.empty': { request: v.object(inProject), response: cacheUsage },
  'job.list': { request: v.object(inProject), response: v.array(job) },
  'job.cancel': { request: v.object({ jobId }), response: nothing },
  /**
   * What a run can train on. With `probe` a child process makes a session on each device first (about a second; once a
   * start of the app is enough); without, the answer comes at once and says what is known so far.
   */
  'device.list': { request: v.object({ probe: v.boolean() }), response: v.array(deviceInfo) },
  /**
   * Compares the device's numbers with the CPU's and measures its speed, in a child process. Answers when it has begun;
   * `device.checkChanged` tells the rest. Throws `busy` while a check is running.
   */
  'device.check': { request: v.object({ device }), response: deviceCheck },
  /** Resolves when the check has ended; no-op where none is running. */
  'device.cancelCheck': { request: nothing, response: nothing },
  /** The last check of each device, also from earlier starts of the app, and which device to train on. */
  'device.checks': { request: nothing, response: deviceChecks },
} as const;
