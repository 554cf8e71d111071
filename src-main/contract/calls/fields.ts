/** Fields that requests share. */
import * as v from 'valibot';
import { projectId, runId } from '../model/ids.ts';

export const nothing = v.object({});
export const inProject = { projectId };
export const inRun = { projectId, runId };
/** A past epoch that the run has kept (`run.history`); absent or null: as things are now. */
export const inEpoch = { ...inRun, epoch: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0)))) };
export const page = {
  offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
  limit: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)),
};
export const path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
export const name = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(200));
export const tag = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(60));
/** For `v.custom`: types of responses with typed arrays, which schemas cannot express compactly. */
export const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
