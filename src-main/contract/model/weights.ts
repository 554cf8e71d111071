/**
 * Weights that a run starts from: where they come from, what the publishers' files are, and the record of what a run
 * has really taken over.
 */
import * as v from 'valibot';
import { runId } from './ids.ts';

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const path = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

export const checkpointName = v.picklist(['last', 'best']);
export type CheckpointName = v.InferOutput<typeof checkpointName>;

/** What a run starts from; null in its place is "from scratch", from the seed alone. */
export const weightsSource = v.variant('source', [
  /** A file of a publisher, downloaded once for all projects. */
  v.object({ source: v.literal('catalogue'), id: v.string() }),
  /** The hash is of the file as it was chosen: one that has changed since is refused. */
  v.object({ source: v.literal('file'), path, sha256 }),
  /** A checkpoint of an earlier run of the same project, as it is when the new run is started. */
  v.object({ source: v.literal('run'), runId, checkpoint: checkpointName }),
]);
export type WeightsSource = v.InferOutput<typeof weightsSource>;

/** How convolutions pad: as TensorFlow's "same", whose odd pixel is at the end, or alike on both sides, as PyTorch does. */
export const paddingStyle = v.picklist(['same', 'symmetric']);
export type PaddingStyle = v.InferOutput<typeof paddingStyle>;

/** How pixels are scaled before the first layer: by ImageNet's means and deviations, to −1…1, or to 0…1. */
export const inputScaling = v.picklist(['imagenet', 'minus-one-to-one', 'zero-to-one']);
export type InputScaling = v.InferOutput<typeof inputScaling>;

/** Why a tensor of the network is not loaded: the file has none of that name, or one of another shape. */
const freshTensor = v.object({
  name: v.string(),
  reason: v.picklist(['absent', 'shape']),
  /** Of the file's tensor, where there is one. */
  fileShape: v.nullable(v.array(v.number())),
});

/** What of a file fits a network, worked out from names and shapes alone. */
export const weightsFit = v.object({
  /** "torchvision", "Ultralytics YOLOv8"; null where nothing fits. */
  naming: v.nullable(v.string()),
  /** What is cut off the file's names: "model.". */
  prefix: v.string(),
  /** Tensors of the network, running statistics included, and how many of them come from the file. */
  total: v.number(),
  loaded: v.number(),
  /** The same in single numbers. */
  totalElements: v.number(),
  loadedElements: v.number(),
  /** The first of those that are not loaded. */
  fresh: v.array(freshTensor),
  /** Tensors of the file that have no place in the network, and the first of their names. */
  unused: v.number(),
  unusedNames: v.array(v.string()),
  /** Batch norms that the file has folded into their convolutions, and that are rebuilt from training images. */
  rebuiltNorms: v.number(),
  /** How the weights were trained, and how the network pads; null where it is not known or does not matter. */
  padding: v.object({ weights: v.nullable(paddingStyle), network: v.nullable(paddingStyle) }),
  scaling: v.object({ weights: v.nullable(inputScaling), network: v.nullable(inputScaling) }),
});
export type WeightsFit = v.InferOutput<typeof weightsFit>;

/** The weights file as it was found. */
export const weightsFile = v.object({
  /** "ResNet-18, ImageNet (torchvision)", "run 7 (yolov8n-2), best". */
  label: v.string(),
  path,
  sha256,
});
export type WeightsFile = v.InferOutput<typeof weightsFile>;

/** What a run started from, written into its folder when it begins. */
export const provenance = v.object({
  version: v.literal(1),
  /** Null is "from scratch"; then nothing is loaded. */
  file: v.nullable(weightsFile),
  fit: weightsFit,
  /** How the batch norms were rebuilt; null where there was none to rebuild. */
  calibration: v.nullable(
    v.object({
      images: v.number(),
      /** Largest difference of an output on those images before and after, over the largest output. */
      difference: v.number(),
    }),
  ),
});
export type Provenance = v.InferOutput<typeof provenance>;

/** "292 of 298 tensors loaded, 6 new", "0 of 298 tensors loaded: from scratch". */
export function fitText({ loaded, total }: Pick<WeightsFit, 'loaded' | 'total'>): string {
  if (loaded === 0) return `0 of ${total} tensors loaded: from scratch`;
  return loaded === total
    ? `all ${total} tensors loaded`
    : `${loaded} of ${total} tensors loaded, ${total - loaded} new`;
}

/** "from scratch", "torchvision-resnet18", "yolov8n.pt (sha256 f59b3d83)", "run 7, best". */
export function sourceText(source: WeightsSource | null): string {
  if (source === null) return 'from scratch';
  switch (source.source) {
    case 'catalogue':
      return source.id;
    case 'file':
      return `${source.path.split(/[\\/]/).at(-1)} (sha256 ${source.sha256.slice(0, 8)})`;
    case 'run':
      return `run ${source.runId}, ${source.checkpoint}`;
  }
}

/** What may be done with a file of the catalogue. */
const licence = v.object({
  /** "AGPL-3.0", "BSD-3-Clause". */
  name: v.string(),
  /** What follows from it for whoever uses the weights, in a sentence or two. */
  consequence: v.string(),
  /** The consequence is heavy: said before the download with a warning. */
  restrictive: v.boolean(),
});

/** A publisher's file. */
export const catalogueEntry = v.object({
  id: v.string(),
  label: v.string(),
  /** "torchvision", "Ultralytics". */
  publisher: v.string(),
  /** Data that it was trained on. */
  trainedOn: v.string(),
  /** Comes along with the app: there is nothing to download, and nothing to remove. */
  bundled: v.optional(v.literal(true)),
  url: v.string(),
  fileName: v.string(),
  /** About; the server says exactly. */
  sizeBytes: v.number(),
  /** The publisher's hash: whole, or the beginning that stands in the file's name. */
  sha256Prefix: v.string(),
  licence,
  padding: paddingStyle,
  scaling: inputScaling,
  /** What its batch norms add to the variance; null where that is what our network adds. */
  normEpsilon: v.nullable(v.number()),
  /** Networks that it is for: models, or encoders of segmentation networks. */
  networks: v.array(v.string()),
});
export type CatalogueEntry = v.InferOutput<typeof catalogueEntry>;

/** A publisher's file and where it stands here. */
export const catalogueState = v.object({
  ...catalogueEntry.entries,
  /** Null until it is downloaded. */
  path: v.nullable(v.string()),
  /** Whether it is one for the network that was asked about. */
  suits: v.boolean(),
});
export type CatalogueState = v.InferOutput<typeof catalogueState>;

/** A weights file as it can be looked at: its tensors, in the file's order. */
export const weightsListing = v.object({
  path: v.string(),
  format: v.picklist(['safetensors', 'onnx', 'pytorch']),
  sizeBytes: v.number(),
  sha256,
  tensors: v.array(v.object({ name: v.string(), shape: v.array(v.number()), dtype: v.string() })),
  /** Tensors of whole numbers, which are no weights. */
  others: v.number(),
  metadata: v.record(v.string(), v.string()),
});
export type WeightsListing = v.InferOutput<typeof weightsListing>;
