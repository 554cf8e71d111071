/** The port to whatever runs graphs. The engine knows this interface; onnxruntime-node is behind its one adapter. */
import type { Tensor } from '../graph/types.ts';

export type Device = 'cpu' | 'cuda';

export interface SessionOptions {
  device: Device;
  /** Threads of one operator; 0 leaves it to the runtime. */
  threads: number;
  /** Writes a per-node profile into this file prefix when the session is released. */
  profilePrefix?: string;
}

/** A loaded model. The owner calls `release`; running after that throws. */
export interface Session {
  /** Feeds are read in place and must not change while it runs; results are new arrays. */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

export interface Runtime {
  /** Name and version, as they go into benchmarks and caches ("onnxruntime 1.30.0"). */
  readonly description: string;
  /** Throws FoveaError `unsupported` where the device is not available, with the provider's own reason. */
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** Sessions created and not yet released; tests count them. */
  readonly liveSessions: number;
}
