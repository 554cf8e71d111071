/**
 * What chance makes of a training image: which images it is made of, how they move, how their colours change. All of it
 * follows from seed, epoch and the image's place in the split, so that a run which goes on makes the same samples.
 * Mosaics as YOLOv4 introduced them (Bochkovskiy et al. 2020): four images around a random point of a canvas twice the
 * input's sides, of which a random part is seen.
 */
import type { BboxXyxy } from '../../../contract/geometry/box.ts';
import type { AugmentationConfig } from '../../../contract/model/run-images.ts';
import type { SizePx } from '../letterbox.ts';
import { Random } from '../random.ts';
import { inOrder, moved, type Affine } from './affine.ts';

/** One image of a sample. Pack px are those of the image as it lies in its pack. */
export interface Tile {
  /** Place in the split. */
  position: number;
  /** From pack px to canvas px. */
  offset: readonly [x: number, y: number];
  /** Where on the canvas it is seen. */
  windowXyxy: BboxXyxy;
}

interface ColourChange {
  /** Turns of the colour circle, in −1 … 1. */
  hue: number;
  /** Factors. */
  saturation: number;
  value: number;
  brightness: number;
  contrast: number;
}

export interface SampleRecipe {
  /** One, or four: top left, top right, bottom left, bottom right of the centre. The class of an image is the first one's. */
  tiles: readonly Tile[];
  /** Where the four meet, canvas px; null for one image. */
  centre: readonly [x: number, y: number] | null;
  /** From canvas px to px of the network's input. */
  motion: Affine;
  colour: ColourChange;
}

/** What a recipe must know of a split. */
export interface RecipeFacts {
  augmentation: AugmentationConfig;
  seed: number;
  /** Epochs of the whole run. */
  epochsTotal: number;
  network: SizePx;
  imageCount: number;
  /** The part of its pack's image that a photograph fills, pack px. */
  contentOf(position: number): BboxXyxy;
}

export const hasMosaics = ({ mosaic, closeMosaicEpochs }: AugmentationConfig, epoch: number, total: number): boolean =>
  mosaic > 0 && epoch < total - closeMosaicEpochs;

/** `position`: place of the sample's (first) image in the split. */
export function sampleRecipe(facts: RecipeFacts, epoch: number, position: number): SampleRecipe {
  const { augmentation, network } = facts;
  const random = Random.derive(facts.seed, 'sample', epoch, position);
  const isMosaic = random.uniform() < augmentation.mosaic && hasMosaics(augmentation, epoch, facts.epochsTotal);
  const layout = isMosaic ? mosaic(facts, position, random) : single(facts, position, random);
  return {
    tiles: layout.tiles,
    centre: layout.centre,
    motion: inOrder(layout.onto, randomMotion(augmentation, network, random)),
    colour: randomColour(augmentation, random),
  };
}

interface Layout extends Pick<SampleRecipe, 'tiles' | 'centre'> {
  /** From canvas px to the network's, before the random motion, which leaves the middle where it is. */
  onto: Affine;
}

function single({ augmentation, network, contentOf }: RecipeFacts, position: number, random: Random): Layout {
  const content = contentOf(position);
  const crop = augmentation.randomCrop === null ? null : randomPart(content, augmentation.randomCrop, random);
  return {
    tiles: [{ position, offset: [0, 0], windowXyxy: content }],
    centre: null,
    onto: crop === null ? moved(0, 0) : stretched(crop, network),
  };
}

function mosaic({ network, imageCount, contentOf }: RecipeFacts, position: number, random: Random): Layout {
  const { widthPx, heightPx } = network;
  const x = Math.round(widthPx * (0.5 + random.uniform()));
  const y = Math.round(heightPx * (0.5 + random.uniform()));
  const others = [random.below(imageCount), random.below(imageCount), random.below(imageCount)];
  const tiles = [position, ...others].map((image, quadrant): Tile => {
    const [left, top, right, bottom] = contentOf(image);
    const [isRight, isBelow] = [quadrant % 2 === 1, quadrant >= 2];
    const offset = [x - (isRight ? left : right), y - (isBelow ? top : bottom)] as const;
    return {
      position: image,
      offset,
      windowXyxy: [
        Math.max(0, left + offset[0]),
        Math.max(0, top + offset[1]),
        Math.min(2 * widthPx, right + offset[0]),
        Math.min(2 * heightPx, bottom + offset[1]),
      ],
    };
  });
  return { tiles, centre: [x, y], onto: moved(-widthPx / 2, -heightPx / 2) };
}

/** A part with at least `leastShare` of the area, its sides between 3:4 and 4:3 as far as the content allows. */
function randomPart([left, top, right, bottom]: BboxXyxy, leastShare: number, random: Random): BboxXyxy {
  const [width, height] = [right - left, bottom - top];
  const area = width * height * (leastShare + (1 - leastShare) * random.uniform());
  const ratio = Math.exp(Math.log(4 / 3) * between(random, -1, 1));
  const partWidth = Math.min(width, Math.sqrt(area * ratio));
  const partHeight = Math.min(height, area / partWidth);
  // What one side could not give, the other does.
  const wide = Math.min(width, area / partHeight);
  const x = left + (width - wide) * random.uniform();
  const y = top + (height - partHeight) * random.uniform();
  return [x, y, x + wide, y + partHeight];
}

function stretched([x1, y1, x2, y2]: BboxXyxy, { widthPx, heightPx }: SizePx): Affine {
  const [right, down] = [widthPx / (x2 - x1), heightPx / (y2 - y1)];
  return [right, 0, -x1 * right, 0, down, -y1 * down];
}

/** About the middle of the input: turned and scaled, sheared, moved, mirrored. */
function randomMotion(config: AugmentationConfig, { widthPx, heightPx }: SizePx, random: Random): Affine {
  const angle = degrees(between(random, -config.rotateDegrees, config.rotateDegrees));
  const scale = between(random, 1 - config.scale, 1 + config.scale);
  const shearX = Math.tan(degrees(between(random, -config.shearDegrees, config.shearDegrees)));
  const shearY = Math.tan(degrees(between(random, -config.shearDegrees, config.shearDegrees)));
  const pixels = (): number => (config.shift === 0 ? 0 : random.below(2 * config.shift + 1) - config.shift);
  const right = between(random, -config.translate, config.translate) * widthPx + pixels();
  const down = between(random, -config.translate, config.translate) * heightPx + pixels();
  const isMirrored = random.uniform() < config.flipHorizontal;
  const isUpsideDown = random.uniform() < config.flipVertical;
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  return inOrder(
    moved(-widthPx / 2, -heightPx / 2),
    [cos, -sin, 0, sin, cos, 0],
    [1, shearX, 0, shearY, 1, 0],
    moved(widthPx / 2 + right, heightPx / 2 + down),
    isMirrored ? [-1, 0, widthPx, 0, 1, 0] : moved(0, 0),
    isUpsideDown ? [1, 0, 0, 0, -1, heightPx] : moved(0, 0),
  );
}

function randomColour(config: AugmentationConfig, random: Random): ColourChange {
  const factor = (most: number): number => between(random, 1 - most, 1 + most);
  return {
    hue: between(random, -config.hue, config.hue),
    saturation: factor(config.saturation),
    value: factor(config.value),
    brightness: factor(config.brightness),
    contrast: factor(config.contrast),
  };
}

const between = (random: Random, low: number, high: number): number => low + (high - low) * random.uniform();
const degrees = (angle: number): number => (angle * Math.PI) / 180;
