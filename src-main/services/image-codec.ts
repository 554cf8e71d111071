/** The image codec, loaded with the first picture: loading it takes longer than the rest of the services together. */
import type sharp from 'sharp';

let loading: Promise<typeof sharp> | undefined;

export function imageCodec(): Promise<typeof sharp> {
  loading ??= import('sharp').then((module) => module.default);
  return loading;
}
