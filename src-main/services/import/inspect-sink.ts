/** Counts what a reader finds and collects what is wrong, file by file, without writing anything. */
import { toErrorData } from '../../contract/errors.ts';
import type { ImportReport, Split } from '../../contract/model/dataset.ts';
import type { Failure } from '../../formats/source-entry.ts';
import type { DatasetSink, LabelledPart } from './dataset-sink.ts';

export class InspectSink implements DatasetSink {
  readonly splitCounts: ImportReport['splitCounts'] = { train: 0, val: 0, test: 0 };
  readonly failures: Failure[] = [];
  categoryNames: readonly string[] = [];
  /** Images of each class. */
  readonly labelCounts: number[] = [];

  begin(): void {}

  categories(names: readonly string[]): void {
    this.categoryNames = names;
  }

  split(): Promise<void> {
    return Promise.resolve();
  }

  pixels(): Promise<void> {
    return Promise.resolve();
  }

  labels({ split, labels }: LabelledPart): void {
    this.splitCounts[split satisfies Split] += labels.length;
    for (const label of labels) this.labelCounts[label] = (this.labelCounts[label] ?? 0) + 1;
  }

  failure(source: string, error: unknown): void {
    const reason = toErrorData(error).message;
    // A damaged archive fails for the file being read, and once more for the archive.
    if (this.failures.every((failure) => failure.reason !== reason)) this.failures.push({ source, reason });
  }
}
