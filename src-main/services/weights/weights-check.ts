/** What a plan's weights will bring, and what is wrong with them, before the run is started. */
import { toErrorData } from '../../contract/errors.ts';
import type { Dataset } from '../../contract/model/dataset.ts';
import { networkInput, networkOutputs } from '../../contract/model/network-ends.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import type { InputScaling, PaddingStyle, WeightsFit } from '../../contract/model/weights.ts';
import { fitOf } from '../../engine/train/start-weights.ts';
import { modelKnobs, planModel, preprocessingOf } from '../../engine/zoo/registry.ts';
import type { OpenProject } from '../open-projects.ts';
import { error, note, warning, type Finding } from '../runs/findings.ts';
import type { Start, StartFiles } from './start-file.ts';

/** Null where the network cannot be planned yet: its images have no size, or an option is wrong. */
export function fitOfPlan(config: RunConfig, dataset: Dataset, { listing, file }: Start): WeightsFit | null {
  const { id, options } = config.model;
  const input = networkInput(config, dataset);
  if (input === null) return null;
  try {
    const plan = planModel(id, options, input, networkOutputs(config, dataset));
    return fitOf({ plan, preprocessing: preprocessingOf(config.model), file }, listing).fit;
  } catch {
    // The check of the network says what is wrong with it.
    return null;
  }
}

const path = 'weights';

export async function checkWeights(files: StartFiles, opened: OpenProject, config: RunConfig): Promise<Finding[]> {
  if (config.weights === null) return [];
  try {
    const start = await files.find(opened, config.weights);
    const fit = fitOfPlan(config, opened.store.datasets.get(config.data.datasetId), start);
    return fit === null
      ? []
      : findingsOf(fit, start.file.label, new Set(modelKnobs(config.model.id).map((knob) => knob.path)));
  } catch (cause) {
    return [error(toErrorData(cause).message, path)];
  }
}

function findingsOf(fit: WeightsFit, label: string, knobs: ReadonlySet<string>): Finding[] {
  if (fit.loaded === 0) {
    return [
      error(`No tensor of ${label} fits this network. Choose weights of this network, or start from scratch.`, path),
    ];
  }
  const { loaded, total, rebuiltNorms } = fit;
  const isFew = fit.loadedElements < fit.totalElements / 4;
  return [
    isFew
      ? warning(`Only ${loaded} of ${total} tensors can be loaded from ${label}: is it a file of this network?`, path)
      : note(
          `${loaded === total ? 'All' : `${loaded} of`} ${total} tensors will be loaded from ${label}${newOnes(fit)}.`,
          path,
        ),
    ...(rebuiltNorms > 0
      ? [
          note(
            `${rebuiltNorms} batch norms are folded into their convolutions in this file. They are rebuilt from training images when the run starts, so that the network computes the same.`,
            path,
          ),
        ]
      : []),
    ...mismatches(fit, knobs),
  ];
}

const namedAtMost = 3;

function newOnes({ fresh, loaded, total }: WeightsFit): string {
  if (loaded === total) return '';
  const names = fresh.slice(0, namedAtMost).map(({ name }) => name);
  const rest = total - loaded - names.length;
  return `; ${total - loaded} new: ${names.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

const paddings: Readonly<Record<PaddingStyle, string>> = {
  same: 'as TensorFlow does (“same”: the odd pixel at the end)',
  symmetric: 'alike on both sides',
};
const scalings: Readonly<Record<InputScaling, string>> = {
  imagenet: 'ImageNet’s means and deviations',
  'minus-one-to-one': 'values from −1 to 1',
  'zero-to-one': 'values from 0 to 1',
};

function mismatches({ padding, scaling }: WeightsFit, knobs: ReadonlySet<string>): Finding[] {
  const advice = (option: string, label: string): string =>
    knobs.has(`model.options.${option}`) ? ` Change “${label}” in the advanced settings.` : '';
  const findings: Finding[] = [];
  if (padding.weights !== null && padding.network !== null && padding.weights !== padding.network) {
    findings.push(
      warning(
        `These weights were trained with convolutions that pad ${paddings[padding.weights]}; this network pads ${paddings[padding.network]}, so its features lie up to a few pixels off.${advice('padding', 'Padding')}`,
        path,
      ),
    );
  }
  if (scaling.weights !== null && scaling.network !== null && scaling.weights !== scaling.network) {
    findings.push(
      warning(
        `These weights expect ${scalings[scaling.weights]}; this network feeds ${scalings[scaling.network]}.${advice('scaling', 'Pixel scaling')}`,
        path,
      ),
    );
  }
  return findings;
}
