/** What would stop or spoil a run in its images and labels. */
import type { Category, Dataset, Split } from '../../contract/model/dataset.ts';
import type { RunConfig, Task } from '../../contract/model/run.ts';
import { saysObjects } from '../../contract/model/tasks.ts';
import { trainedClasses } from '../../contract/model/trained-classes.ts';
import { mostMapped } from '../../engine/data/training-data.ts';
import { ofPixels, type SplitLabels } from '../training-data/learnable.ts';
import { count, error, note, warning, type Finding } from './findings.ts';

/** Tasks that take an object without a label of its kind for background. */
const overlooking: ReadonlySet<Task> = new Set<Task>(['instance-segmentation']);

/** Tasks whose masks tell the objects of an image apart. */
const tellsApart = (task: Task): boolean => ofPixels.has(task) && saysObjects(task);

/** What an image must have to be learned from, and what one lacks that does not. */
const wanted: Readonly<Record<Task, { label: string; lack: string }>> = {
  classification: { label: 'a class', lack: 'without a class' },
  segmentation: { label: 'an outline or a mask', lack: 'without an outline or a mask' },
  detection: { label: 'a box', lack: 'without a box' },
  'instance-segmentation': { label: 'an outlined object', lack: 'without an outlined object' },
  pose: { label: 'an object with points', lack: 'without an object with points' },
};

export interface DataFacts {
  config: RunConfig;
  dataset: Dataset;
  labels: { train: SplitLabels; evaluation: SplitLabels };
}

export function checkData({ config, dataset, labels }: DataFacts): Finding[] {
  const { trainSplit, evaluationSplit } = config.data;
  const findings = [
    ...checkSplit(config, dataset, labels.train, trainSplit, 'data.trainSplit', 'train on'),
    ...checkClasses(config, dataset, labels.train),
  ];
  if (trainSplit !== evaluationSplit)
    return [
      ...findings,
      ...checkSplit(config, dataset, labels.evaluation, evaluationSplit, 'data.evaluationSplit', 'evaluate on'),
    ];
  return [
    ...findings,
    warning(
      'The run is evaluated on the images it learns from: its accuracy will say how well it remembers, not how well it generalises. Choose another split.',
      'data.evaluationSplit',
    ),
  ];
}

function checkSplit(
  { task }: RunConfig,
  { name, splitCounts }: Dataset,
  { labelled, severalClasses, background, rejected, images, otherObjects, mostLabels }: SplitLabels,
  split: Split,
  path: string,
  purpose: string,
): Finding[] {
  if (splitCounts[split] === 0)
    return [error(`“${name}” has no images in the split “${split}”. Choose another split to ${purpose}.`, path)];
  const { label, lack } = wanted[task];
  if (labelled === 0)
    return [error(`No image in the split “${split}” has ${label}. Label some, or choose another split.`, path)];
  const isClassification = task === 'classification';
  const unlabelled = images - labelled - rejected - (isClassification ? 0 : background);
  const leftOut = (number: number, what: string): string =>
    `${count(number, 'image')} in the split “${split}” ${what} will be left out.`;
  return [
    ...(unlabelled > 0 ? [warning(leftOut(unlabelled, lack), path)] : []),
    ...(isClassification && severalClasses > 0 ? [warning(leftOut(severalClasses, 'with several classes'), path)] : []),
    ...(otherObjects > 0 && overlooking.has(task)
      ? [
          warning(
            `${count(otherObjects, 'object')} in the split “${split}” ${otherObjects === 1 ? 'has' : 'have'} no outline or mask, so the network learns that nothing is there. Outline them, or turn on “Boxes as masks”, which learns boxes as rectangles.`,
            path,
          ),
        ]
      : []),
    ...(tellsApart(task) && mostLabels > mostMapped
      ? [
          warning(
            `An image in the split “${split}” has ${mostLabels.toLocaleString('en')} objects. Of an image’s objects the first ${mostMapped} have a mask; of the others the network learns the box, and that its mask is empty. Cut such images into smaller ones.`,
            path,
          ),
        ]
      : []),
    ...(rejected > 0 ? [note(leftOut(rejected, 'rejected in review'), path)] : []),
  ];
}

function checkClasses(config: RunConfig, { categories }: Dataset, { labelled, byClass }: SplitLabels): Finding[] {
  if (labelled === 0) return [];
  const path = 'data.trainSplit';
  const missing = categories.filter(({ categoryId }) => !byClass.get(categoryId));
  const isAlone = !saysObjects(config.task) && trainedClasses(config, categories).length < 2;
  return [
    ...(isAlone ? [error('There is only one class, so there is nothing to tell apart.', path)] : []),
    ...(missing.length > 0
      ? [warning(`No training images of ${namesOf(missing)}: the network cannot learn to recognise them.`, path)]
      : []),
  ];
}

/** At most five by name. */
function namesOf(categories: readonly Category[]): string {
  const shown = categories.slice(0, 5).map(({ name }) => name);
  const rest = categories.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}
