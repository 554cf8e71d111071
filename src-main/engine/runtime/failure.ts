/**
 * What a provider says when something goes wrong, as an error with a plain sentence and the provider's own words in its
 * context: memory that ran out, a device that failed, or a graph that was refused.
 */
import { FoveaError } from '../../contract/errors.ts';
import type { Device } from '../../contract/model/run.ts';

/** How the providers word it: onnxruntime's arena, C++, CUDA, Direct3D 12, WebGPU, JavaScript. */
const outOfMemoryWords =
  /failed to allocate memory|bad_?alloc|bad allocation|out of memory|out_of_memory|outofmemory|not enough memory|smaller than requested bytes|array buffer allocation failed|invalid array length/i;

/** WebGPU without its feature "shader-f16". */
const noHalfWords = /requires f16 but the device does not support it/;

const nodeWords = /while running (\S+) node\. Name:'([^']*)'/;

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).trim();

/** A session could not be made. `detail` is what else is known about the reason. */
export function sessionFailure(cause: unknown, device: Device, detail: string | null): FoveaError {
  const words = textOf(cause);
  const providerError = detail === null ? words : `${words}\n${detail}`;
  const context = { device, providerError };
  if (outOfMemoryWords.test(words)) return memoryFailure(words, device, cause);
  if (device === 'cpu') {
    return new FoveaError('internal', `internal: onnxruntime refused the graph: ${words}`, context, { cause });
  }
  return new FoveaError('unsupported', `The device "${device}" cannot be used: ${providerError}`, context, { cause });
}

/** A run of a session failed. */
export function runFailure(cause: unknown, device: Device): FoveaError {
  const words = textOf(cause);
  if (outOfMemoryWords.test(words)) return memoryFailure(words, device, cause);
  const [, opType, node] = nodeWords.exec(words) ?? [];
  const context = { device, providerError: words, node: node ?? null, opType: opType ?? null };
  if (device === 'cpu') return new FoveaError('internal', `internal: onnxruntime failed: ${words}`, context, { cause });
  if (noHalfWords.test(words)) {
    const message = `The device "${device}" cannot compute in half precision. Choose float32 as the precision.`;
    return new FoveaError('unsupported', message, context, { cause });
  }
  const where = node === undefined ? '' : ` at "${node}"`;
  return new FoveaError(
    'device-failed',
    `The device "${device}" failed${where}: ${words}. The run can go on from its last checkpoint. Check the device first, or train on the CPU.`,
    context,
    { cause },
  );
}

function memoryFailure(words: string, device: Device, cause: unknown): FoveaError {
  const [, , node] = nodeWords.exec(words) ?? [];
  const [, requested] = /(?:size|requested bytes of) (\d+)/.exec(words) ?? [];
  const where = node === undefined ? '' : ` at "${node}"`;
  const size = requested === undefined ? '' : `, where ${(Number(requested) / 1e6).toFixed(0)} MB more were needed`;
  const whose = device === 'cpu' ? 'The memory of this machine' : `The memory of the device "${device}"`;
  return new FoveaError(
    'out-of-memory',
    `${whose} ran out${where}${size}. Lower the batch size and raise the number of batches for each update, use smaller images, or close other programs.`,
    { device, providerError: words, node: node ?? null },
    { cause },
  );
}
