/**
 * How busy the GPU is, as NVIDIA's own program says: asked for in a child process every few seconds, because it takes a
 * moment. Where there is none, or it says nothing, nothing is known; that is no error.
 */
import { execFile } from 'node:child_process';

export interface GpuUse {
  /** [0, 1], of the GPU's time; a mean over the answers. */
  load: number;
  /** MB in use at the last answer. */
  memoryMegabytes: number;
}

const everyMs = 3000;
const mostMs = 2000;
const question = ['--query-gpu=utilization.gpu,memory.used', '--format=csv,noheader,nounits'];
const bytesPerMebibyte = 2 ** 20;

export class GpuLoad {
  readonly #ends = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #answers: GpuUse[] = [];
  #asking = false;

  constructor(intervalMs = everyMs) {
    this.#timer = setInterval(() => this.#ask(), intervalMs);
    this.#timer.unref();
    this.#ask();
  }

  /** Null where there was no answer since the last call. */
  sinceLast(): GpuUse | null {
    const answers = this.#answers;
    this.#answers = [];
    const last = answers.at(-1);
    if (last === undefined) return null;
    return { ...last, load: answers.reduce((sum, { load }) => sum + load, 0) / answers.length };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#ends.abort();
  }

  #ask(): void {
    if (this.#asking) return;
    this.#asking = true;
    // The first that the run may use, which is the one that it trains on.
    const [gpu] = (process.env['CUDA_VISIBLE_DEVICES'] ?? '0').split(',');
    const options = { timeout: mostMs, signal: this.#ends.signal, windowsHide: true };
    execFile('nvidia-smi', [...question, `--id=${gpu?.trim() || '0'}`], options, (error, answer) => {
      this.#asking = false;
      // Where the program is not there, it will not come.
      if (error && 'code' in error && error.code === 'ENOENT') clearInterval(this.#timer);
      const use = error ? null : readUse(answer);
      if (use) this.#answers.push(use);
    });
  }
}

/** "87, 10240": percent and MiB; null for anything else, as "[N/A]". */
export function readUse(answer: string): GpuUse | null {
  const [percent, mebibytes, ...more] = answer.trim().split(',').map(Number);
  const isWhole = Number.isFinite(percent) && Number.isFinite(mebibytes) && more.length === 0;
  return isWhole ? { load: percent! / 100, memoryMegabytes: (mebibytes! * bytesPerMebibyte) / 1e6 } : null;
}
