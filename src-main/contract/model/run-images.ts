/** Which images a run trains on, how each becomes the network's input, and what chance does to it. */
import * as v from 'valibot';
import { split } from './dataset.ts';
import { datasetId } from './ids.ts';

const wholeNumber = v.pipe(v.number(), v.integer(), v.minValue(0));
/** [0, 1) */
const fraction = v.pipe(v.number(), v.minValue(0), v.ltValue(1));
/** [0, 1] */
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const side = v.pipe(v.number(), v.integer(), v.minValue(8), v.maxValue(4096));
/**
 * How an image of another shape becomes the network's input. `letterbox`: as large as fits, grey bars on two sides;
 * `stretch`: its aspect is lost; `crop`: as small as covers, what hangs over is cut off.
 */
export const inputFit = v.picklist(['letterbox', 'stretch', 'crop']);
export type InputFit = v.InferOutput<typeof inputFit>;

/** Which images, and how each becomes the network's input. */
export const dataConfig = v.object({
  datasetId,
  trainSplit: split,
  evaluationSplit: split,
  /** Null takes the images as they are, which must then all have one size. */
  inputSize: v.nullable(v.object({ widthPx: side, heightPx: side })),
  /** Without an effect where the images are taken as they are. */
  fit: inputFit,
  /** Of segmentation: whether pixels that no label covers are the background, a class of its own, or are not learned from. */
  unlabelled: v.picklist(['background', 'ignore']),
  /** Of segmentation: whether boxes count as areas of their class. */
  boxesAsMasks: v.boolean(),
});
export type DataConfig = v.InferOutput<typeof dataConfig>;
/** Of a data set whose images all have one size. */
export const imagesAsTheyAre = {
  inputSize: null,
  fit: 'letterbox',
  unlabelled: 'background',
  boxesAsMasks: false,
} as const satisfies Partial<DataConfig>;

/**
 * Random changes of training images, drawn anew in each epoch; 0, and null, are off. The field's names (fliplr, hsv_h …)
 * are in the knobs' labels. Labels move with their image.
 */
export const augmentationConfig = v.object({
  /** Probability of mirroring left to right, and top to bottom. */
  flipHorizontal: share,
  flipVertical: share,
  /** Moves an image by up to this many whole pixels in each direction; what comes in at the edge is of one colour, and ignored in a mask. */
  shift: wholeNumber,
  /** Moves it by up to this share of its sides. */
  translate: share,
  /** Enlarges or shrinks it by a factor between 1 − scale and 1 + scale. */
  scale: fraction,
  /** Turns it about its middle by up to this angle, either way. */
  rotateDegrees: v.pipe(v.number(), v.minValue(0), v.maxValue(180)),
  shearDegrees: v.pipe(v.number(), v.minValue(0), v.maxValue(45)),
  /** Trains on a random part of at least this share of the area, its sides between 3:4 and 4:3. */
  randomCrop: v.nullable(v.pipe(v.number(), v.minValue(0.01), v.maxValue(1))),
  /** Shares of the full range by which hue is turned, and factors 1 ± the value for saturation and value. */
  hue: share,
  saturation: share,
  value: share,
  /** Factors 1 ± the value for all pixels, and for their distance from the image's mean. */
  brightness: share,
  contrast: share,
  /** Probability of an image made of four. */
  mosaic: share,
  /** So many epochs at the end of the run are trained without mosaics. */
  closeMosaicEpochs: wholeNumber,
});
export type AugmentationConfig = v.InferOutput<typeof augmentationConfig>;
export const noAugmentation: AugmentationConfig = {
  flipHorizontal: 0,
  flipVertical: 0,
  shift: 0,
  translate: 0,
  scale: 0,
  rotateDegrees: 0,
  shearDegrees: 0,
  randomCrop: null,
  hue: 0,
  saturation: 0,
  value: 0,
  brightness: 0,
  contrast: 0,
  mosaic: 0,
  closeMosaicEpochs: 0,
};
