/**
 * Opens a run that another tool has trained, so that it can be compared: its numbers become those of a finished run of
 * the project, its options the settings that have a counterpart here. Its files are copied; it has no weights here.
 */
import { copyFile, readFile, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import type { Dataset } from '../../contract/model/dataset.ts';
import type { RunId } from '../../contract/model/ids.ts';
import { runConfig, type RunConfig, type Task, type TimedPoint } from '../../contract/model/run.ts';
import type { PoseLayout } from '../../engine/data/training-data.ts';
import { parseArgs, parseResults, type ForeignArgs, type ForeignResults } from '../../formats/ultralytics-run.ts';
import { fileError } from '../file-errors.ts';
import type { OpenProject } from '../open-projects.ts';
import { foreignColumns } from './artifacts/results-csv.ts';
import { withValueAt } from './config-values.ts';
import { poseLayout } from '../training-data/pose-layout.ts';
import { foreignModel, type ForeignModel, type InspectWeights } from './foreign-model.ts';
import { createRunFolder, writeRunConfig } from './run-folders.ts';
import { runTemplate } from './run-template.ts';

const files = { args: 'args.yaml', results: 'results.csv' } as const;
const largestBytes = 64 * 2 ** 20;

/** `dataset`: the project's own that it was trained on, which the folder cannot say. Throws FoveaError. */
export async function openForeignRun(
  opened: OpenProject,
  dataset: Dataset,
  given: string,
  inspect: InspectWeights,
): Promise<RunId> {
  const source = resolve(given);
  const args = parseArgs(files.args, await readSmall(join(source, files.args)));
  const results = parseResults(files.results, await readSmall(join(source, files.results)));
  const model = await foreignModel(args, source, inspect);
  const config = configOf(args, model, dataset, poseLayout(opened.store, dataset.datasetId));
  const points = pointsOf(results, config.task);
  if (points.length === 0)
    throw new FoveaError('bad-input', `${files.results} in ${source} has none of the columns of a ${config.task}.`, {
      file: join(source, files.results),
    });
  const path = await createRunFolder(opened, config.model.id);
  const folder = join(opened.folder, path);
  try {
    await writeRunConfig(folder, config);
    for (const name of Object.values(files)) await copyFile(join(source, name), join(folder, name));
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const { runs } = opened.store;
  const now = new Date().toISOString();
  const runId = runs.insert({
    name: basename(source),
    config,
    datasetName: dataset.name,
    folder: path,
    createdAt: now,
  });
  runs.appendPoints(runId, points);
  const epochsDone = Math.max(...points.map(({ epoch }) => epoch));
  const epochsTotal = config.phases.reduce((sum, { epochs }) => sum + epochs, 0);
  const isWhole = epochsDone >= epochsTotal;
  runs.update(runId, {
    status: isWhole ? 'finished' : 'interrupted',
    reason: isWhole ? null : `Its record ends after epoch ${epochsDone} of ${epochsTotal}.`,
    startedAt: now,
    endedAt: now,
    durationMs: Math.max(0, ...points.map(({ elapsedMs }) => elapsedMs ?? 0)),
    epochsDone,
    resumable: false,
    tags: ['foreign'],
    notes: `Trained elsewhere: ${source} (model ${String(args.values.get('model'))}, data ${String(args.values.get('data'))}). Settings without a counterpart are in its args.yaml; its weights and predictions are not here.`,
  });
  return runId;
}

async function readSmall(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > largestBytes) throw new FoveaError('bad-input', `${file} is too large to be a run's.`, { file });
    return bytes.toString('utf8');
  } catch (error) {
    if (error instanceof FoveaError) throw error;
    throw fileError(error, 'read the run', file);
  }
}

/** Our defaults with what the options say; an option that cannot be read is left at its default. `pose`: of the data set. */
function configOf(
  args: ForeignArgs,
  { family, size: networkSize }: ForeignModel,
  dataset: Dataset,
  pose: PoseLayout | null,
): RunConfig {
  const number = (name: string): number | null => {
    const value = args.values.get(name);
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  const template = runTemplate(family, dataset, [], pose).config;
  const size = number('imgsz');
  const [batch, nominalBatch] = [number('batch'), number('nbs')];
  const changes: [path: string, value: unknown][] = [
    // It may be of another family: nothing that is particular to one is known.
    ['model', networkSize === null ? { id: 'unknown', options: {} } : null],
    ['model.options.size', networkSize],
    ['phases.0.epochs', number('epochs')],
    ['phases.0.learningRate', number('lr0')],
    ['phases.0.schedule', scheduleOf(args.values.get('cos_lr') === true, number('lrf') ?? 1)],
    ['phases.0.warmup.epochs', number('warmup_epochs')],
    ['phases.0.optimiser', optimiserOf(args, number)],
    ['batchSize', batch],
    ['accumulation', batch === null || nominalBatch === null ? null : Math.max(1, Math.round(nominalBatch / batch))],
    ['loss.boxGain', number('box')],
    ['loss.categoryGain', number('cls')],
    ['loss.distributionGain', number('dfl')],
    ['loss.positionGain', number('pose')],
    ['loss.visibilityGain', number('kobj')],
    ['seed', number('seed')],
    ['patience', number('patience')],
    ['data.inputSize', size === null ? null : { widthPx: size, heightPx: size }],
    ['augmentation.hue', number('hsv_h')],
    ['augmentation.saturation', number('hsv_s')],
    ['augmentation.value', number('hsv_v')],
    ['augmentation.rotateDegrees', number('degrees')],
    ['augmentation.translate', number('translate')],
    ['augmentation.scale', number('scale')],
    ['augmentation.shearDegrees', number('shear')],
    ['augmentation.flipVertical', number('flipud')],
    ['augmentation.flipHorizontal', number('fliplr')],
    ['augmentation.mosaic', number('mosaic')],
    ['augmentation.closeMosaicEpochs', number('close_mosaic')],
  ];
  return changes.reduce<RunConfig>((config, [path, value]) => {
    if (value === null) return config;
    const read = v.safeParse(runConfig, withValueAt(config, path, value));
    return read.success ? read.output : config;
  }, template);
}

function scheduleOf(isCosine: boolean, finalFactor: number): RunConfig['phases'][number]['schedule'] {
  if (finalFactor === 1) return { kind: 'constant' };
  return { kind: isCosine ? 'cosine' : 'linear', finalFactor };
}

function optimiserOf(
  { values }: ForeignArgs,
  number: (name: string) => number | null,
): RunConfig['phases'][number]['optimiser'] | null {
  const weightDecay = number('weight_decay') ?? 0;
  const momentum = number('momentum') ?? 0.9;
  switch (String(values.get('optimizer')).toLowerCase()) {
    case 'sgd':
      return { kind: 'sgd', momentum, nesterov: true, weightDecay };
    case 'adam':
    case 'adamw': {
      const kind = String(values.get('optimizer')).toLowerCase() === 'adam' ? 'adam' : 'adamw';
      return { kind, beta1: momentum, beta2: 0.999, epsilon: 1e-8, weightDecay };
    }
    default:
      return null; // "auto": it chose by the length of the run
  }
}

/** Steps are not recorded, so an epoch counts as one. Columns that have no counterpart are left out. */
function pointsOf({ columns, rows }: ForeignResults, task: Task): TimedPoint[] {
  const known = foreignColumns(task);
  const at = (name: string): number => columns.indexOf(name);
  // Newer versions count epochs from 1, older ones from 0.
  const first = Math.min(...rows.map((row) => row[at('epoch')]!));
  return rows.flatMap((row) => {
    const epoch = row[at('epoch')]! + (first === 0 ? 1 : 0);
    const seconds = row[at('time')];
    const elapsedMs = seconds !== undefined && Number.isFinite(seconds) ? seconds * 1000 : null;
    return known.flatMap(([column, series]): TimedPoint[] => {
      const value = row[at(column)];
      return value === undefined || Number.isNaN(value) ? [] : [{ series, step: epoch, epoch, value, elapsedMs }];
    });
  });
}
