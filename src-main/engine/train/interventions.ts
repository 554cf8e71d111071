/**
 * What a person changes in a run while it trains: asked for by a file in the run's folder (by the app, by the command
 * line on this machine or another one that shares the folder), taken between two dispatches of steps, and recorded with
 * its step in interventions.json before it has an effect. A resumed run reads that record, so it goes on to the same bytes.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import {
  addedEpochs,
  intervention,
  recordedIntervention,
  type Intervention,
  type RecordedIntervention,
} from '../../contract/model/intervention.ts';
import { writeFileAtomic } from '../weights/atomic-file.ts';
import { runFiles } from './run-folder.ts';

const request = v.object({ id: v.string(), change: intervention });
type Request = v.InferOutput<typeof request>;

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Requests of one process within a millisecond keep their order too. */
let requestCount = 0;

/** Asks the process that trains in this folder for a change. Throws FoveaError `io`. */
export async function requestIntervention(folder: string, change: Intervention): Promise<void> {
  const requests = runFiles.requests(folder);
  // Names sort by time, so that requests are taken in their order.
  const place = `${String(Date.now()).padStart(15, '0')}-${String(requestCount++).padStart(6, '0')}`;
  const name = `${place}-${randomUUID()}`;
  const file = join(requests, `${name}.json`);
  try {
    await mkdir(requests, { recursive: true });
    await writeFile(`${file}.partial`, JSON.stringify({ id: name, change } satisfies Request));
    await rename(`${file}.partial`, file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FoveaError('io', `Could not write ${file}: ${reason}`, { file }, { cause });
  }
}

/** None where there is no record. Throws FoveaError `bad-input` for a record that cannot be read. */
export async function readInterventions(folder: string): Promise<RecordedIntervention[]> {
  const file = runFiles.interventions(folder);
  try {
    return v.parse(v.array(recordedIntervention), JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return [];
    throw new FoveaError(
      'bad-input',
      `${file} cannot be read, so the run cannot go on as it was.`,
      { file },
      { cause },
    );
  }
}

const lookEveryMs = 250;

export class Interventions {
  readonly #folder: string;
  #recorded: RecordedIntervention[];
  #lookedAt = -Infinity;

  private constructor(folder: string, recorded: RecordedIntervention[]) {
    this.#folder = folder;
    this.#recorded = recorded;
  }

  static async open(folder: string): Promise<Interventions> {
    return new Interventions(folder, await readInterventions(folder));
  }

  /** Of the learning rate of the step that `stepsBefore` others come before. */
  rateFactor(stepsBefore: number): number {
    return this.#recorded.reduce(
      (product, { step, change }) =>
        change.kind === 'learning-rate' && step <= stepsBefore ? product * change.factor : product,
      1,
    );
  }

  /** Epochs beyond those of the configuration. */
  get addedEpochs(): number {
    return addedEpochs(this.#recorded);
  }

  /** Steps after which the run ends; null where nobody has asked. */
  get finishStep(): number | null {
    return this.#recorded.find(({ change }) => change.kind === 'finish')?.step ?? null;
  }

  /**
   * Takes what has been asked for since, looking at most a few times a second unless `now`. What `refuse` gives a reason
   * against is dropped and told with it. Throws FoveaError `io` where the record cannot be kept.
   */
  async take(
    at: { step: number; epoch: number },
    refuse: (change: Intervention) => string | null,
    now = false,
  ): Promise<{ taken: RecordedIntervention[]; refused: { change: Intervention; reason: string }[] }> {
    const none = { taken: [], refused: [] };
    if (!now && performance.now() - this.#lookedAt < lookEveryMs) return none;
    this.#lookedAt = performance.now();
    const files = this.#requestFiles();
    if (files.length === 0) return none;
    const taken: RecordedIntervention[] = [];
    const refused: { change: Intervention; reason: string }[] = [];
    for (const file of files) {
      const asked = await readRequest(file);
      if (asked === null || this.#recorded.some(({ id }) => id === asked.id)) continue;
      const reason = refuse(asked.change);
      if (reason !== null) {
        refused.push({ change: asked.change, reason });
        continue;
      }
      const recorded = { id: asked.id, time: new Date().toISOString(), ...at, change: asked.change };
      this.#recorded = [...this.#recorded, recorded];
      taken.push(recorded);
    }
    if (taken.length > 0) {
      const document = new TextEncoder().encode(`${JSON.stringify(this.#recorded, null, 2)}\n`);
      await writeFileAtomic(runFiles.interventions(this.#folder), [document]);
    }
    for (const file of files) await rm(file, { force: true });
    return { taken, refused };
  }

  /** Not asynchronous: it looks a few times a second, and a turn of the loop takes longer than the look. */
  #requestFiles(): string[] {
    const folder = runFiles.requests(this.#folder);
    // Before the first request, which is most of the time, an error would have to be made each time.
    if (!existsSync(folder)) return [];
    try {
      const names = readdirSync(folder);
      return names
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => join(folder, name));
    } catch (error) {
      throw new FoveaError('io', `Could not look into ${folder}.`, { file: dirname(folder) }, { cause: error });
    }
  }
}

/** Null for what is no request: it must not stop the run. */
async function readRequest(file: string): Promise<Request | null> {
  try {
    return v.parse(request, JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return null;
  }
}
