/**
 * Why onnxruntime's CUDA provider does not load. onnxruntime itself throws "Failed to load shared library" and prints the
 * reason to standard error only; the system's loader, asked again, names the library that is missing.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** In the loader's words: "libcublasLt.so.12: cannot open shared object file: …"; null where it finds everything. */
export function whyCudaDoesNotLoad(): string | null {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  const folder = join(dirname(manifest), 'bin', 'napi-v6', process.platform, process.arch);
  for (const name of ['shared', 'cuda']) {
    const reason = whyNotLoaded(join(folder, `libonnxruntime_providers_${name}.so`));
    if (reason !== null) return reason;
  }
  return null;
}

function whyNotLoaded(library: string): string | null {
  try {
    process.dlopen({ exports: {} }, library);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // It was found and loaded, and is no module of Node's: all that matters here.
    return /did not self-register|undefined symbol/.test(message) ? null : message;
  }
}
