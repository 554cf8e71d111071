/**
 * Whether the samples keep the trainer fed: YOLOv8n at 320 px with the field's augmentation, mosaics included, and how much
 * of a training epoch no session of onnxruntime runs in. That is the trainer's wait for samples and all else that it does
 * between two steps, so the wait is less.
 */
import { cpus } from 'node:os';
import type { TrainingData } from '../../src-main/engine/data/training-data.ts';
import { OnnxRuntime } from '../../src-main/engine/runtime/onnxruntime.ts';
import type { Runtime, Session, SessionOptions } from '../../src-main/engine/runtime/runtime.ts';
import type { RunConfig } from '../../src-main/contract/model/run.ts';
import { runTraining } from '../helpers/training-run.ts';

/** onnxruntime with a stopwatch: when it runs, while `isCounting`. */
class TimedRuntime implements Runtime {
  isCounting = false;
  busyMs = 0;
  firstStart: number | null = null;
  lastEnd = 0;
  private hasBegun = false;
  private readonly inner = new OnnxRuntime();

  get description(): string {
    return this.inner.description;
  }
  get liveSessions(): number {
    return this.inner.liveSessions;
  }
  async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    const session = await this.inner.createSession(model, options);
    return {
      run: (feeds, into) => this.timed(() => session.run(feeds, into)),
      readKept: () => session.readKept(),
      release: () => session.release(),
    };
  }

  /** Once: sessions are made in the first dispatch. */
  begin(): void {
    this.isCounting ||= !this.hasBegun;
    this.hasBegun = true;
  }

  private async timed<T>(run: () => Promise<T>): Promise<T> {
    if (!this.isCounting) return run();
    const started = performance.now();
    this.firstStart ??= started;
    const result = await run();
    this.lastEnd = performance.now();
    this.busyMs += this.lastEnd - started;
    return result;
  }
}

/** Of the time from the second dispatch's start to the last step's end, in [0, 1]. The configuration has one epoch. */
export async function shareWithoutWork(folder: string, config: RunConfig, data: TrainingData): Promise<number> {
  const runtime = new TimedRuntime();
  await runTraining(folder, config, data, {
    runtime,
    threads: cpus().length,
    onSteps: () => runtime.begin(),
    onProgress: ({ activity }) => {
      if (activity === 'evaluating') runtime.isCounting = false;
    },
  });
  return 1 - runtime.busyMs / (runtime.lastEnd - runtime.firstStart!);
}
