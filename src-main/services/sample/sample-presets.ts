/**
 * Two plans that come with the sample project, alike but for what they start from, so that learning from nothing and going on
 * from what was learned elsewhere can be seen side by side within minutes.
 */
import type { Dataset } from '../../contract/model/dataset.ts';
import { noAugmentation } from '../../contract/model/run-images.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { runTemplate } from '../runs/run-template.ts';

/** Small images and few epochs: a minute or two on a laptop. The last one is what a plan of these data begins as. */
export function samplePresets(dataset: Dataset): { name: string; config: RunConfig }[] {
  const { config } = runTemplate('yolov8', dataset, []);
  const scratch: RunConfig = {
    ...config,
    data: { ...config.data, inputSize: { widthPx: 160, heightPx: 128 } },
    augmentation: { ...noAugmentation, flipHorizontal: 0.5 },
    batchSize: 8,
    accumulation: 1,
    ema: null,
    phases: [
      {
        ...config.phases[0]!,
        epochs: 20,
        learningRate: 0.00125,
        optimiser: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.0005 },
        schedule: { kind: 'linear', finalFactor: 0.01 },
        warmup: { epochs: 1, startFactor: 0.1 },
        clipNorm: 10,
      },
    ],
  };
  return [
    { name: 'Sample: from scratch', config: scratch },
    {
      name: 'Sample: from the countryside',
      config: { ...scratch, weights: { source: 'catalogue', id: 'fovea-yolov8n-countryside' } },
    },
  ];
}
