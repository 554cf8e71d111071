/** The image codec, loaded with the first picture: loading it takes longer than the rest of the services together. */
import type sharp from 'sharp';

let loading: Promise<typeof sharp> | undefined;

export function imageCodec(): Promise<typeof sharp> {
  loading ??= import('sharp').then(({ default: codec }) => {
    // Its cache goes by path: it would show a file as it was, and pass a damaged one when it is read a second time.
    codec.cache(false);
    return codec;
  });
  return loading;
}
