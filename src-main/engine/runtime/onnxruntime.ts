/** The adapter to onnxruntime-node, and its only importer. */
import * as ort from 'onnxruntime-node';
import { FoveaError } from '../../contract/errors.ts';
import type { DataType, Tensor, TensorArray } from '../graph/types.ts';
import type { Runtime, Session, SessionOptions } from './runtime.ts';

type OrtData = Exclude<ort.Tensor.DataType, string[]>;

function toOrt(tensor: Tensor): ort.Tensor {
  return new ort.Tensor(
    tensor.dataType as ort.Tensor.Type,
    tensor.data as OrtData & TensorArray,
    tensor.shape as number[],
  );
}

function fromOrt(value: ort.Tensor): Tensor {
  return { dataType: value.type as DataType, shape: value.dims, data: value.data as TensorArray };
}

function sessionOptions(options: SessionOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: options.device === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
    ...(options.threads > 0 ? { intraOpNumThreads: options.threads } : {}),
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Memory patterns double the peak of a training step and do not make it faster.
    enableMemPattern: false,
    logSeverityLevel: 3,
    // Threads that spin while they wait make a step a few per cent faster on an idle machine and several times slower on
    // a busy one, and the person's other work with it.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    ...(options.profilePrefix ? { enableProfiling: true, profileFilePrefix: options.profilePrefix } : {}),
  };
}

export class OnnxRuntime implements Runtime {
  readonly description = `onnxruntime ${ort.env.versions.node ?? ort.env.versions.common}`;
  private live = 0;

  get liveSessions(): number {
    return this.live;
  }

  async createSession(model: Uint8Array, options: SessionOptions): Promise<Session> {
    let session: ort.InferenceSession;
    try {
      session = await ort.InferenceSession.create(model, sessionOptions(options));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (options.device !== 'cpu')
        throw new FoveaError(
          'unsupported',
          `The device "${options.device}" cannot be used: ${reason}`,
          { device: options.device },
          { cause },
        );
      throw new FoveaError('internal', `internal: onnxruntime refused the graph: ${reason}`, {}, { cause });
    }
    this.live++;
    return {
      run: async (feeds) => {
        const results = await session.run(
          Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, toOrt(value)])),
        );
        return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, fromOrt(value)]));
      },
      release: async () => {
        if (options.profilePrefix) session.endProfiling();
        await session.release();
        this.live--;
      },
    };
  }
}
