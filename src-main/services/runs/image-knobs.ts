/** The knobs of what becomes of images: how they become the network's input, and what chance does to them. */
import { isFileFormat, type Dataset } from '../../contract/model/dataset.ts';
import type { Knob } from '../../contract/model/model-spec.ts';
import { noAugmentation, type AugmentationConfig } from '../../contract/model/run-images.ts';
import type { Task } from '../../contract/model/run.ts';
import { ofPixels } from '../training-data/learnable.ts';
import { choice, integer, number, optional, optionalNumber, toggle } from './knob-kinds.ts';

/** The field's usual ones; what trains on a CPU within reason. */
const usualSides: Readonly<Record<Task, number>> = {
  classification: 224,
  segmentation: 256,
  detection: 320,
  'instance-segmentation': 320,
  pose: 320,
};
/** Of the network's strides. */
const sideMultiple = 32;
const [leastSide, mostSide] = [8, 4096];

/** Photographs need a size; images in packs have one and may be given another. */
export function inputKnobs(task: Task, { format, imageSize }: Pick<Dataset, 'format' | 'imageSize'>): Knob[] {
  const side = usualSides[task];
  const usual = (px: number | undefined): number =>
    px !== undefined && px < side ? Math.max(sideMultiple, Math.ceil(px / sideMultiple) * sideMultiple) : side;
  const size = { widthPx: usual(imageSize?.widthPx), heightPx: usual(imageSize?.heightPx) };
  const sideKnob = (name: keyof typeof size, label: string): Knob =>
    integer('data', [leastSide, size[name], mostSide], {
      path: `data.inputSize.${name}`,
      label,
      explanation: `The ${label.toLowerCase().replace('input ', '')} of the network's input in pixels: more shows smaller things, and takes longer.`,
    });
  return [
    ...(isFileFormat(format)
      ? []
      : [
          optional('data', size, {
            path: 'data.inputSize',
            label: 'Resize images',
            explanation:
              'Makes images another size before they reach the network; otherwise they are taken as they are.',
          }),
        ]),
    sideKnob('widthPx', 'Input width'),
    sideKnob('heightPx', 'Input height'),
    ...fitKnobs(task, isFileFormat(format)),
  ];
}

function fitKnobs(task: Task, photographs: boolean): Knob[] {
  const fits = [
    { value: 'letterbox', label: 'Letterbox (bars)' },
    { value: 'stretch', label: 'Stretch' },
    { value: 'crop', label: 'Crop the middle' },
  ];
  return [
    choice('data', fits, task === 'classification' && photographs ? 'crop' : 'letterbox', {
      path: 'data.fit',
      label: 'Fit',
      explanation: 'How an image of another shape becomes the input: with bars, stretched, or cut at two sides.',
    }),
    ...(task === 'segmentation' ? [uncoveredKnob] : []),
    ...(ofPixels.has(task) ? [boxesKnob] : []),
  ];
}

const uncoveredKnob: Knob = choice(
  'data',
  [
    { value: 'background', label: 'Background' },
    { value: 'ignore', label: 'Ignored' },
  ],
  'background',
  {
    path: 'data.unlabelled',
    label: 'Unlabelled pixels',
    explanation: 'Pixels that no label covers are learned as a class of their own, or are left out of the loss.',
  },
);

const boxesKnob: Knob = toggle('data', {
  path: 'data.boxesAsMasks',
  label: 'Boxes as masks',
  explanation: 'Counts boxes as areas of their class, for data sets that have no outlines.',
});

/** Of YOLOv8's published recipe. */
const detectorAugmentation: Partial<AugmentationConfig> = {
  flipHorizontal: 0.5,
  translate: 0.1,
  scale: 0.5,
  hue: 0.015,
  saturation: 0.7,
  value: 0.4,
  mosaic: 1,
  closeMosaicEpochs: 10,
};
/** What differs from no augmentation at all. */
const usualAugmentation: Readonly<Record<Task, Partial<AugmentationConfig>>> = {
  classification: {},
  segmentation: { flipHorizontal: 0.5 },
  detection: detectorAugmentation,
  'instance-segmentation': detectorAugmentation,
  pose: detectorAugmentation,
};

export function augmentationKnobs(task: Task): Knob[] {
  const usual: AugmentationConfig = { ...noAugmentation, ...usualAugmentation[task] };
  const share = (
    name: Exclude<keyof AugmentationConfig, 'randomCrop'>,
    most: number,
    label: string,
    explanation: string,
  ): Knob => number('advanced', [0, usual[name], most], { path: `augmentation.${name}`, label, explanation });
  return [
    share(
      'flipHorizontal',
      1,
      'Horizontal flip (fliplr)',
      'The share of images that are mirrored left to right, so that the network sees more variety; 0 is off.',
    ),
    share(
      'flipVertical',
      1,
      'Vertical flip (flipud)',
      'The share of images that are mirrored top to bottom, for views that have no up, such as aerial ones; 0 is off.',
    ),
    integer('advanced', [0, usual.shift, 256], {
      path: 'augmentation.shift',
      label: 'Random shift',
      explanation: 'Moves each image by up to this many whole pixels by chance; 0 is off.',
    }),
    share('translate', 1, 'Translate', 'Moves each image by up to this share of its sides by chance; 0 is off.'),
    share('scale', 0.99, 'Scale', 'Enlarges or shrinks each image by up to this share by chance; 0 is off.'),
    share('rotateDegrees', 180, 'Rotation (degrees)', 'Turns each image by up to this angle either way; 0 is off.'),
    share('shearDegrees', 45, 'Shear (degrees)', 'Slants each image by up to this angle either way; 0 is off.'),
    optionalNumber('advanced', [0.01, 0.5, 1], {
      path: 'augmentation.randomCrop',
      label: 'Random crop',
      explanation: 'Trains on a random part of each image, which has at least this share of its area.',
    }),
    share('hue', 1, 'Hue (hsv_h)', 'Turns the hue of each image by up to this share of the colour circle; 0 is off.'),
    share('saturation', 1, 'Saturation (hsv_s)', 'Changes the saturation by up to this share by chance; 0 is off.'),
    share('value', 1, 'Value (hsv_v)', 'Makes each image brighter or darker by up to this share; 0 is off.'),
    share('brightness', 1, 'Brightness', 'The same as value, by the name that classifiers know; 0 is off.'),
    share('contrast', 1, 'Contrast', 'Changes the contrast of each image by up to this share by chance; 0 is off.'),
    share(
      'mosaic',
      1,
      'Mosaic',
      'The share of images that are put together of four, so that objects come in more sizes and places; 0 is off.',
    ),
    integer('advanced', [0, usual.closeMosaicEpochs, 10_000], {
      path: 'augmentation.closeMosaicEpochs',
      label: 'Close mosaic (close_mosaic)',
      explanation: 'So many epochs at the end are trained without mosaics, on images as they will be met.',
    }),
  ];
}
