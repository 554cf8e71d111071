/** The image codec, loaded with the first picture: loading it takes longer than the rest of the services together. */
import type sharp from 'sharp';
import { bindCodec } from './bind-codec.ts';

let loading: Promise<typeof sharp> | undefined;

export function imageCodec(): Promise<typeof sharp> {
  loading ??= load();
  return loading;
}

async function load(): Promise<typeof sharp> {
  // Where that fails the codec works all the same, and needs more memory.
  await bindCodec().catch(() => undefined);
  const { default: codec } = await import('sharp');
  // Its cache goes by path: it would show a file as it was, and pass a damaged one when it is read a second time.
  codec.cache(false);
  return codec;
}

/**
 * What the codec says of a file: each line once, without those that name another. It keeps one text of errors for all that
 * it decodes at once.
 */
export function codecMessage(error: unknown, file: string): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split('\n').map((line) => line.trim());
  const own = lines.filter((line) => line !== '' && (!line.includes('file "') || line.includes(file)));
  return [...new Set(own)].join('; ').replace(/:$/, '');
}
