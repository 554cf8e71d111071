/**
 * What the services offer to a host, and what they need from it. A host (Electron, web, CLI) presents a Backend; it
 * adds no behaviour of its own.
 */
import type { EventName, Events, Handlers } from '../contract/ipc.ts';
import type { ChildProcess } from '../processes/child-process.ts';
import type { TaskCommand, TaskEvent, TrainerCommand, TrainerEvent } from '../training-process/messages.ts';
import type { PictureCommand, PictureReply } from './pictures/messages.ts';
import type { WorkerCommand, WorkerReply } from './workers/messages.ts';

export interface MediaResponse {
  contentType: string;
  body: Uint8Array;
  /** Pictures of immutable rows may be cached for ever; a host turns this into its own cache header. */
  immutable: boolean;
}

export interface Backend {
  handlers: Handlers;
  /** Resolves a path as made by `mediaUrl` ("media/…"). Throws FoveaError `not-found`; reads only open projects. */
  media(path: string): Promise<MediaResponse>;
  /** Returns a function that ends the subscription. */
  subscribe<E extends EventName>(event: E, listener: (payload: Events[E]) => void): () => void;
  /** Stops jobs and runs in an orderly way (running runs become resumable), closes databases. */
  close(): Promise<void>;
}

/** Trains one run. */
export type TrainerProcess = ChildProcess<TrainerCommand, TrainerEvent>;
/** Does one task with the engine. */
export type TaskProcess = ChildProcess<TaskCommand, TaskEvent>;

/** Does the services' own long work: imports, exports, questions to a whole library, training data. */
export type WorkerProcess = ChildProcess<WorkerCommand, WorkerReply>;

/** Draws pictures of image files. */
export type PictureProcess = ChildProcess<PictureCommand, PictureReply>;

/** The host's part: paths, dialogs and how to start children, which differ between Electron and plain Node. */
export interface HostPorts {
  /** Settings and the list of recent projects live here. */
  userDataFolder: string;
  version: string;
  launchTrainer(): TrainerProcess;
  launchTask(): TaskProcess;
  launchWorker(): WorkerProcess;
  launchPictures(): PictureProcess;
  /** What starts the command line on a machine that sees this installation: a program and its first arguments. */
  cliCommand: readonly string[];
  /** Null where the host has no native dialogs. */
  choosePath:
    null | ((options: { title: string; kind: 'folder' | 'file' | 'file-or-folder' }) => Promise<string | null>);
}
