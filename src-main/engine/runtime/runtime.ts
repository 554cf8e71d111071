/** The port to whatever runs graphs. The engine knows this interface; onnxruntime-node is behind its one adapter. */
import type { Device } from '../../contract/model/run.ts';
import type { Tensor } from '../graph/types.ts';

export interface SessionOptions {
  device: Device;
  /** Threads of one operator; 0 leaves it to the runtime. */
  threads: number;
  /**
   * Results that are fed to the next run: input names and the results that go there. They stay on the device where it
   * allows that, and are not among what `run` gives.
   */
  kept?: Readonly<Record<string, string>>;
  /** Nodes, by name, that run on the CPU whatever the device. */
  cpuNodes?: readonly string[];
  /** Runs the graph as it is, in the order that graph/memory.ts knows; what is looked at can be found again in it. */
  unoptimised?: boolean;
  /** Every result is written into a tensor that `run` is given (CPU only). The model was written with `stopsCopies`. */
  writesAll?: boolean;
  /** Writes a per-node profile into this file prefix when the session is released. */
  profilePrefix?: string;
}

/** A loaded model. The owner calls `release`; running after that throws. */
export interface Session {
  /**
   * Feeds are read in place and must not change while it runs. Results are new arrays; of a session that `writesAll` they are
   * written into the tensors of `into`, which names them all. A tensor may be fed and written into, if no node reads it after
   * the one that makes the result, and that one element by element. What is kept need be fed to the first run only. Throws
   * FoveaError `out-of-memory`, `device-failed` (not on the CPU) or `internal`.
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    into?: Readonly<Record<string, Tensor>>,
  ): Promise<Record<string, Tensor>>;
  /** What is kept, by input name, as it is now; empty before the first run. */
  readKept(): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

export interface Runtime {
  /** Name and version, as they go into benchmarks and caches ("onnxruntime 1.30.0"). */
  readonly description: string;
  /**
   * Throws FoveaError `unsupported` where the device is not available, with the provider's own words as `providerError`
   * in its context; `out-of-memory`.
   */
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
  /** Sessions created and not yet released; tests count them. */
  readonly liveSessions: number;
}
