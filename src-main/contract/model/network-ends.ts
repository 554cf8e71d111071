/** What a run's network takes in and gives out, as far as the configuration and its data set say. */
import { isFileFormat, type Dataset } from './dataset.ts';
import type { RunConfig } from './run.ts';
import { trainedClasses } from './trained-classes.ts';

/** Photographs, and images that are made another size, become colour images. */
const preparedChannels = 3;

/** [C, H, W]; null where the images differ in size and no size is chosen for them. */
export function networkInput(
  { data: { inputSize } }: Pick<RunConfig, 'data'>,
  { format, imageSize }: Pick<Dataset, 'format' | 'imageSize'>,
): [number, number, number] | null {
  const size = inputSize ?? imageSize;
  const isPrepared = inputSize !== null || isFileFormat(format);
  return (
    size && [isPrepared ? preparedChannels : (imageSize?.channels ?? preparedChannels), size.heightPx, size.widthPx]
  );
}

/** Categories that the last layer is made for. */
export function networkOutputs(
  config: Pick<RunConfig, 'task' | 'data' | 'loss'>,
  { categories }: Pick<Dataset, 'categories'>,
): number {
  const { length } = trainedClasses(config, categories);
  return config.loss.kind === 'sum' && config.loss.binary && length === 2 ? 1 : length;
}

/** Points that the network says of each object; 0 where it says none. */
export function networkPoints({ model }: Pick<RunConfig, 'model'>): number {
  const { keypoints } = model.options;
  return typeof keypoints === 'number' ? keypoints : 0;
}
