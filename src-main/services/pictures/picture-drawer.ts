/**
 * Who draws pictures for the window: rows of packs, which need no decoding, are drawn here, image files in a process of their
 * own. It is started with the first of them, and ends when none was wanted for a while.
 */
import { FoveaError, fromErrorData } from '../../contract/errors.ts';
import type { PixelSource } from '../../store/image-repository.ts';
import type { PictureProcess } from '../backend.ts';
import { Limiter } from '../limiter.ts';
import { describeDeath } from '../process-death.ts';
import { drawCrop, drawWhole } from './draw-picture.ts';
import type { BboxXyxy, PictureTask } from './messages.ts';

const IDLE_MS = 30_000;

export class PictureDrawer {
  readonly #launch: () => PictureProcess;
  readonly #idleMs: number;
  /** The process that takes tasks. */
  #current: Drawing | null = null;
  /** Those that live, and those that were told to end. */
  readonly #all = new Set<Drawing>();
  readonly #oneByOne = new Limiter(1);
  #isClosed = false;

  constructor(launch: () => PictureProcess, { idleMs = IDLE_MS } = {}) {
    this.#launch = launch;
    this.#idleMs = idleMs;
  }

  /** As `drawWhole`. Throws FoveaError `process-died` where the process crashes of this file. */
  async whole(projectFolder: string, source: PixelSource, maxPx: number | null): Promise<Uint8Array> {
    if (source.kind === 'pack') return drawWhole(projectFolder, source, maxPx);
    return this.#draw({ projectFolder, file: source.file, part: { kind: 'whole', maxPx } });
  }

  /** As `drawCrop`, and as `whole` where the process crashes. */
  async crop(projectFolder: string, source: PixelSource, bboxXyxy: BboxXyxy): Promise<Uint8Array> {
    if (source.kind === 'pack') return drawCrop(projectFolder, source, bboxXyxy);
    return this.#draw({ projectFolder, file: source.file, part: { kind: 'crop', bboxXyxy } });
  }

  /** Ends the process, whatever it does; nothing is drawn from then on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#all].map((drawing) => drawing.end()));
  }

  async #draw(task: PictureTask): Promise<Uint8Array> {
    try {
      return await this.#process().draw(task);
    } catch (error) {
      if (!(error instanceof FoveaError) || error.code !== 'process-died' || this.#isClosed) throw error;
      // It may have crashed of another picture: those that were under way are tried again, one after the other.
      return this.#oneByOne.run(() => this.#process().draw(task));
    }
  }

  #process(): Drawing {
    if (this.#isClosed) throw new FoveaError('cancelled', 'The app is being closed.');
    if (this.#current !== null && !this.#current.isEnding) return this.#current;
    const started = new Drawing(this.#launch(), this.#idleMs);
    this.#current = started;
    this.#all.add(started);
    void started.gone.then(() => this.#all.delete(started));
    return started;
  }
}

/** One process and the tasks that it has. */
class Drawing {
  readonly gone: Promise<void>;
  /** It takes no tasks any more. */
  isEnding = false;
  readonly #process: PictureProcess;
  readonly #idleMs: number;
  readonly #ready = Promise.withResolvers<void>();
  readonly #tasks = new Map<number, PromiseWithResolvers<Uint8Array>>();
  #lastNumber = 0;
  #retirement: NodeJS.Timeout | undefined;

  constructor(process: PictureProcess, idleMs: number) {
    this.#process = process;
    this.#idleMs = idleMs;
    const gone = Promise.withResolvers<void>();
    this.gone = gone.promise;
    process.onEvent((reply) => {
      if (reply.kind === 'ready') return this.#ready.resolve();
      const task = this.#tasks.get(reply.number);
      this.#tasks.delete(reply.number);
      if (reply.kind === 'drawn') task?.resolve(reply.picture);
      else task?.reject(fromErrorData(reply.error));
      if (this.#tasks.size === 0) this.#retire();
    });
    process.onExit((exit) => {
      this.isEnding = true;
      clearTimeout(this.#retirement);
      const death = describeDeath(exit, 'The process that draws pictures');
      for (const task of this.#tasks.values()) task.reject(new FoveaError('process-died', death));
      gone.resolve();
    });
  }

  draw(task: PictureTask): Promise<Uint8Array> {
    clearTimeout(this.#retirement);
    const number = ++this.#lastNumber;
    const drawn = Promise.withResolvers<Uint8Array>();
    this.#tasks.set(number, drawn);
    void this.#ready.promise.then(() => this.#process.send({ number, task }));
    return drawn.promise;
  }

  async end(): Promise<void> {
    this.isEnding = true;
    clearTimeout(this.#retirement);
    this.#process.kill();
    await this.gone;
  }

  #retire(): void {
    this.#retirement = setTimeout(() => void this.end(), this.#idleMs);
    this.#retirement.unref();
  }
}
