/**
 * What a run reports, as data: the messages to the store's owner (all but progress) are also the lines of events.jsonl
 * in the run's folder, so that the folder tells the whole story alone. Written by the training process only. A line that
 * is not a whole event (cut off by a kill) is passed over, by readers and by the next writer.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { errorCodes } from '../../contract/errors.ts';
import { recordedIntervention } from '../../contract/model/intervention.ts';
import { logLine, metricPoint } from '../../contract/model/run.ts';

/** JSON has no NaN and no infinity: a value that is none of its numbers is written as null and read as NaN. */
const recordedPoint = v.object({
  ...metricPoint.entries,
  value: v.pipe(
    v.nullable(v.number()),
    v.transform((value) => value ?? NaN),
  ),
});
const errorData = v.object({
  code: v.picklist(errorCodes),
  message: v.string(),
  context: v.record(v.string(), v.nullable(v.union([v.string(), v.number(), v.boolean()]))),
});

const runEvent = v.variant('kind', [
  /** `epochsDone` is fractional where the checkpoint lies within an epoch; what came after it is measured anew. */
  v.object({ kind: v.literal('started'), parameterCount: v.number(), epochsDone: v.number() }),
  v.object({ kind: v.literal('points'), points: v.array(recordedPoint) }),
  v.object({ kind: v.literal('log'), lines: v.array(logLine) }),
  /** A checkpoint is safely on disk. */
  v.object({ kind: v.literal('checkpoint'), epoch: v.number(), best: v.boolean() }),
  /** A person changed something; it is in interventions.json already. */
  v.object({ kind: v.literal('changed'), intervention: recordedIntervention, epochsTotal: v.number() }),
  /** `reason`: why it ended before its last epoch. */
  v.object({ kind: v.literal('finished'), epochsDone: v.number(), reason: v.optional(v.string()) }),
  v.object({ kind: v.literal('cancelled'), epochsDone: v.number() }),
  v.object({ kind: v.literal('failed'), error: errorData }),
]);
export type RunEvent = v.InferOutput<typeof runEvent>;

const recordedEvent = v.object({ time: v.string(), event: runEvent });
export interface RecordedEvent {
  /** ISO 8601, when it was written. */
  time: string;
  event: RunEvent;
}

/** With its line break. */
export function encodeEventLine(recorded: RecordedEvent): string {
  return `${JSON.stringify(recorded)}\n`;
}

/** Null for what is not a whole event. */
export function decodeEventLine(line: string): RecordedEvent | null {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = v.safeParse(recordedEvent, document);
  return parsed.success ? parsed.output : null;
}

/**
 * The events of a file, oldest first, read in pieces; none where there is no file. With `kind` only those of that kind:
 * the others, which are many, are not even decoded. Throws what the file system throws.
 */
export async function* readEvents(file: string, kind?: RunEvent['kind']): AsyncGenerator<RecordedEvent> {
  const mark = kind === undefined ? '' : `"kind":"${kind}"`;
  const stream = createReadStream(file, 'utf8');
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      if (!line.includes(mark)) continue;
      const recorded = decodeEventLine(line);
      if (recorded && (kind === undefined || recorded.event.kind === kind)) yield recorded;
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  } finally {
    stream.destroy();
  }
}

/**
 * The events that still hold for a run that goes on from `epochsDone`: points and checkpoints of later epochs are left
 * out, because they come again. The log stays: what happened, happened.
 */
export function eventsUpTo(events: readonly RecordedEvent[], epochsDone: number): RecordedEvent[] {
  const kept: RecordedEvent[] = [];
  for (const { time, event } of events) {
    if (event.kind === 'points') {
      const points = event.points.filter((point) => point.epoch <= epochsDone);
      if (points.length > 0) kept.push({ time, event: { ...event, points } });
    } else if (event.kind !== 'checkpoint' || event.epoch <= epochsDone) {
      kept.push({ time, event });
    }
  }
  return kept;
}
