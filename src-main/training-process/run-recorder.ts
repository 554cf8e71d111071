/**
 * Keeps events.jsonl and results.csv of a run's folder. Every event is on its way to the disk before the call returns
 * (the process may be killed at any time), in the order of the calls. A run that goes on first loses what its
 * checkpoint does not know, so that nothing is there twice. Throws FoveaError `io` where it cannot write.
 */
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { FoveaError } from '../contract/errors.ts';
import type { Task } from '../contract/model/run.ts';
import { ResultsTable } from '../engine/train/results-table.ts';
import {
  decodeEventLine,
  encodeEventLine,
  eventsUpTo,
  type RecordedEvent,
  type RunEvent,
} from '../engine/train/run-events.ts';
import { runFiles } from '../engine/train/run-folder.ts';
import { writeTextAtomicSync } from '../engine/weights/atomic-file.ts';

export class RunRecorder {
  #eventsFile: string;
  #resultsFile: string;
  #task: Task;
  #results: ResultsTable;
  /** Kept open, because opening it takes longer than writing a line. */
  #eventsHandle: number | null = null;

  constructor(folder: string, task: Task) {
    this.#task = task;
    this.#results = new ResultsTable(task);
    this.#eventsFile = runFiles.events(folder);
    this.#resultsFile = runFiles.results(folder);
  }

  record(event: RunEvent): void {
    const recorded = { time: new Date().toISOString(), event };
    this.#orExplain(() => {
      if (event.kind === 'started') this.#rewind(event.epochsDone);
      this.#eventsHandle ??= openSync(this.#eventsFile, 'a');
      writeSync(this.#eventsHandle, encodeEventLine(recorded));
      const rows = this.#results.add(recorded);
      if (rows !== '') appendFileSync(this.#resultsFile, rows);
    });
  }

  /** Nothing may be recorded after it. */
  close(): void {
    if (this.#eventsHandle !== null) closeSync(this.#eventsHandle);
    this.#eventsHandle = null;
  }

  #rewind(epochsDone: number): void {
    this.close();
    const kept = eventsUpTo(this.#recordedSoFar(), epochsDone);
    writeTextAtomicSync(this.#eventsFile, kept.map(encodeEventLine).join(''));
    this.#results = new ResultsTable(this.#task);
    const rows = kept.map((recorded) => this.#results.add(recorded)).join('');
    writeTextAtomicSync(this.#resultsFile, this.#results.header + rows);
  }

  #recordedSoFar(): RecordedEvent[] {
    if (!existsSync(this.#eventsFile)) return [];
    const lines = readFileSync(this.#eventsFile, 'utf8').split('\n');
    return lines.map(decodeEventLine).filter((recorded) => recorded !== null);
  }

  #orExplain(write: () => void): void {
    try {
      write();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new FoveaError(
        'io',
        `Could not write ${this.#eventsFile} or ${this.#resultsFile}: ${message}`,
        {
          file: this.#eventsFile,
        },
        { cause: error },
      );
    }
  }
}
