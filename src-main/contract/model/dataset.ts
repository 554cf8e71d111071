/** Data sets, their categories and images as every room sees them; labels are in annotation.ts. */
import * as v from 'valibot';
import { annotationSummary, reviewState, shapeKind } from './annotation.ts';
import { categoryId, datasetId, imageId, runId, savedViewId } from './ids.ts';

export const splits = ['train', 'val', 'test'] as const;
export const split = v.picklist(splits);
export type Split = v.InferOutput<typeof split>;

/** Formats that can be imported now; a new one is one entry here and one module in formats/. */
const packFormats = ['cifar10', 'cifar100', 'idx'] as const;
/** Formats whose images are files of their own, of any size, referenced where they are or copied. */
export const fileFormats = ['yolo', 'coco', 'cvat', 'voc', 'labelme', 'masks', 'image-folders', 'images'] as const;
export const datasetFormats = [...packFormats, ...fileFormats] as const;
export const datasetFormat = v.picklist(datasetFormats);
export type DatasetFormat = v.InferOutput<typeof datasetFormat>;
export type FileFormat = (typeof fileFormats)[number];

export function isFileFormat(format: DatasetFormat): format is FileFormat {
  return (fileFormats as readonly string[]).includes(format);
}

/** Data sets that can be downloaded, with the facts a person sees before any traffic. The checksum is the archive's. */
export const downloadableDatasets = {
  cifar10: {
    label: 'CIFAR-10',
    description: '60,000 colour images of 32 × 32 px in 10 classes: 50,000 for training, 10,000 for testing.',
    origin: 'University of Toronto (A. Krizhevsky)',
    url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
    sizeBytes: 170_052_171,
    md5: 'c32a1d4ab5d03f1284b67883e8d87530',
  },
} as const;

export const category = v.object({
  categoryId,
  /** 0-based class index as the network sees it. */
  ordinal: v.number(),
  name: v.string(),
  /** Place in the palette where a person chose one; absent: the ordinal. */
  colour: v.optional(v.number()),
});
export type Category = v.InferOutput<typeof category>;

export const dataset = v.object({
  datasetId,
  name: v.string(),
  format: datasetFormat,
  /** Where it was imported from: a folder, an archive or an address. */
  source: v.string(),
  createdAt: v.string(),
  categories: v.array(category),
  splitCounts: v.object({ train: v.number(), val: v.number(), test: v.number() }),
  /** The size that all images share, or null where they differ. */
  imageSize: v.nullable(v.object({ widthPx: v.number(), heightPx: v.number(), channels: v.number() })),
});
export type Dataset = v.InferOutput<typeof dataset>;

export const imageSummary = v.object({
  imageId,
  /** Name as the source gives it ("test_batch.bin #42" where it has none). */
  name: v.string(),
  split,
  widthPx: v.number(),
  heightPx: v.number(),
  channels: v.number(),
  review: reviewState,
  /** Counts the changes of its labels. */
  labelVersion: v.number(),
  annotations: v.array(annotationSummary),
  /** Absent where it has none. */
  tags: v.optional(v.array(v.string())),
});
export type ImageSummary = v.InferOutput<typeof imageSummary>;

/** Empty arrays mean "no restriction". `query`: a text query that must hold too; see contract/query. */
export const imageFilter = v.object({
  splits: v.array(split),
  categoryIds: v.array(categoryId),
  query: v.optional(v.pipe(v.string(), v.maxLength(2000))),
});
export type ImageFilter = v.InferOutput<typeof imageFilter>;

const ownOrders = ['added', 'name', 'labels', 'object', 'pixels', 'aspect', 'split', 'review', 'date'] as const;
/** By what a run found; images that it was not measured by come first, or last where the order is turned round. */
export const runOrders = ['score', 'disagreement'] as const;
export const imageOrders = [...ownOrders, ...runOrders] as const;
/** How a list of images goes; images that are equal in it go in the order in which they were added. */
export const imageOrder = v.object({
  by: v.picklist(imageOrders),
  descending: v.boolean(),
  /** Whose findings the order goes by; of no meaning for the other orders. */
  runId: v.optional(runId),
});
export type ImageOrder = v.InferOutput<typeof imageOrder>;

/** A filter and an order that are kept under a name. */
export const savedView = v.object({ viewId: savedViewId, name: v.string(), filter: imageFilter, order: imageOrder });
export type SavedView = v.InferOutput<typeof savedView>;

/**
 * Counts for the facet list: how many images of the split filter each category has, and the other way round. `objects`
 * are labels, of which an image may have many.
 */
export const facets = v.object({
  total: v.number(),
  bySplit: v.array(v.object({ split, count: v.number() })),
  /** Of the images that pass the whole filter. */
  byReview: v.array(v.object({ review: reviewState, count: v.number() })),
  byCategory: v.array(v.object({ categoryId, count: v.number(), objects: v.number() })),
  /** Of all images of the data set, in the order of the alphabet. */
  byTag: v.array(v.object({ tag: v.string(), count: v.number() })),
});
export type Facets = v.InferOutput<typeof facets>;

/** What a dry run over a folder or archive found, before anything is written. */
export const importReport = v.object({
  path: v.string(),
  format: v.nullable(datasetFormat),
  /** Where the labels are read from, of the places in the folder that could be meant; empty where there is no choice. */
  labelSources: v.array(v.string()),
  labelSource: v.nullable(v.string()),
  suggestedName: v.string(),
  categories: v.array(v.string()),
  splitCounts: v.object({ train: v.number(), val: v.number(), test: v.number() }),
  sizeBytes: v.number(),
  /** False where nothing can be imported; `failures` then says why. */
  importable: v.boolean(),
  /** Labels of each class, in the order of `categories`, and of each kind. */
  labelCounts: v.array(v.number()),
  kindCounts: v.array(v.object({ kind: shapeKind, count: v.number() })),
  /** Images that the source says show nothing, and images that it does not speak of. */
  backgroundCount: v.number(),
  unlabelledCount: v.number(),
  /** Why it cannot be imported, or what will be left out or was put right; empty when all is well. The first few hundred. */
  failures: v.array(v.object({ source: v.string(), line: v.optional(v.number()), reason: v.string() })),
  failureCount: v.number(),
});
export type ImportReport = v.InferOutput<typeof importReport>;
