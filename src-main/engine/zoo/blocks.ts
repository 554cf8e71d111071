/** Small pieces that many networks are made of, as layer records. */
import type { LayerSpec } from '../nn/network.ts';

type Source = string | readonly string[];
type Settings<K extends LayerSpec['kind']> = Omit<Extract<LayerSpec, { kind: K }>, 'kind' | 'path' | 'from'>;

/** The same layers, the first of which reads `from`. */
export function reading(from: Source, [first, ...rest]: readonly LayerSpec[]): LayerSpec[] {
  return [{ ...first!, from }, ...rest];
}

/** The path of the last layer. */
export const lastPath = (layers: readonly LayerSpec[]): string => layers.at(-1)!.path;

export interface ConvNormSettings {
  conv: Settings<'conv2d'>;
  /** Where the convolution and the norm lie in checkpoints. */
  convPath: string;
  normPath: string;
  norm?: Settings<'batchNorm'>;
}

/** A convolution without bias and its batch norm. */
export function convNorm({ conv, convPath, normPath, norm = {} }: ConvNormSettings): LayerSpec[] {
  return [
    { kind: 'conv2d', path: convPath, bias: false, ...conv },
    { kind: 'batchNorm', path: normPath, ...norm },
  ];
}
