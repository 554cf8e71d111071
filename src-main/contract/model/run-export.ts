/** A trained network as a file for other programs. */
import * as v from 'valibot';

export const exportPrecision = v.picklist(['float32', 'float16']);
export type ExportPrecision = v.InferOutput<typeof exportPrecision>;

export const exportForm = v.variant('format', [
  v.object({
    format: v.literal('onnx'),
    /** Boxes after suppression with their masks or points, or the category of an image or pixel, instead of raw results. */
    decisions: v.boolean(),
    batchSize: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256)),
  }),
  v.object({ format: v.literal('safetensors'), precision: exportPrecision }),
]);
export type ExportForm = v.InferOutput<typeof exportForm>;

/** How the model's results compare with the app's own. */
export const exportCheck = v.object({
  images: v.number(),
  /** Worst difference of a number, over the largest. */
  worst: v.number(),
  tolerance: v.number(),
  /** Decisions that were compared, and how many of them differ. */
  decisions: v.number(),
  different: v.number(),
  /** Pixels of a larger image, looked at in tiles with the model and with the app, and how many of them differ. */
  tiled: v.nullable(v.object({ pixels: v.number(), different: v.number() })),
  ok: v.boolean(),
});
export type ExportCheck = v.InferOutput<typeof exportCheck>;

export const exportedModel = v.object({ file: v.string(), sizeBytes: v.number(), check: v.nullable(exportCheck) });
export type ExportedModel = v.InferOutput<typeof exportedModel>;
