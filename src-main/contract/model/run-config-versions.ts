/**
 * Run configurations as they were stored over time: a document of an earlier version becomes one of today that
 * describes the same training. Version 1 knew no accumulation, averaging, clipping, warm-up or augmentation, and decayed
 * every parameter. Version 2 took images as they are, moved them by flips and whole pixels only, and started from scratch.
 */
import * as v from 'valibot';
import { FoveaError } from '../errors.ts';
import { imagesAsTheyAre, noAugmentation } from './run-images.ts';
import { runConfig, type RunConfig } from './run.ts';

type Document = Readonly<Record<string, unknown>>;

const isDocument = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Any version of the document, as one of today. Throws FoveaError `bad-input` where it is no run configuration. */
export function readRunConfig(document: unknown): RunConfig {
  const { success, output, issues } = v.safeParse(runConfig, upgradeRunConfig(document));
  if (success) return output;
  const [first] = issues;
  const path = v.getDotPath(first);
  const where = path === null ? '' : `${path}: `;
  throw new FoveaError(
    'bad-input',
    `This is no configuration of a run that can be read here. ${where}${first.message}`,
    { path },
  );
}

/** Raises the version and adds the fields that came with it; the rest, right or wrong, stays as it is. */
export function upgradeRunConfig(document: unknown): unknown {
  return fromVersion2(fromVersion1(document));
}

function fromVersion1(document: unknown): unknown {
  if (!isDocument(document) || document['version'] !== 1) return document;
  const { phases } = document;
  return {
    augmentation: { flip: false, shift: 0 },
    accumulation: 1,
    ema: null,
    ...document,
    version: 2,
    ...(Array.isArray(phases) && { phases: phases.map(upgradePhase) }),
  };
}

function upgradePhase(phase: unknown): unknown {
  if (!isDocument(phase)) return phase;
  return { warmup: { epochs: 0, startFactor: 0.1 }, decayAll: true, clipNorm: null, ...phase };
}

function fromVersion2(document: unknown): unknown {
  if (!isDocument(document) || document['version'] !== 2) return document;
  const { data, augmentation } = document;
  return {
    weights: null,
    ...document,
    version: 3,
    ...(isDocument(data) && { data: { ...imagesAsTheyAre, ...data } }),
    ...(isDocument(augmentation) && { augmentation: upgradeAugmentation(augmentation) }),
  };
}

/** A flip was by chance: of every other image. */
function upgradeAugmentation({ flip, ...augmentation }: Document): Document {
  return { ...noAugmentation, ...augmentation, ...(typeof flip === 'boolean' && { flipHorizontal: flip ? 0.5 : 0 }) };
}
