/**
 * What every service group gets: the host's ports, the open projects, the machine's devices and a way to tell listeners
 * what changed.
 * Groups depend on this and on each other's exported functions, never on a host.
 */
import type { Emit } from '../contract/ipc.ts';
import type { HostPorts } from './backend.ts';
import type { DeviceCatalogue } from './devices/catalogue.ts';
import type { OpenProjects } from './open-projects.ts';
import type { StartFiles } from './weights/start-file.ts';
import type { WorkerPool } from './workers/worker-pool.ts';

export interface ServiceContext {
  readonly ports: HostPorts;
  readonly projects: OpenProjects;
  readonly emit: Emit;
  readonly devices: DeviceCatalogue;
  /** The weights that runs start from. */
  readonly startFiles: StartFiles;
  /** The processes for long work. */
  readonly workers: WorkerPool;
}
