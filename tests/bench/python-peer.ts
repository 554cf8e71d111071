/**
 * A Python program to measure against, kept running so that its rounds can take turns with ours. It speaks in lines: one
 * JSON object a request on its standard input, one or more JSON answers on its standard output; {"error": "…"} where it
 * failed. It ends when its input ends.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { existsSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { capture } from '../../src-main/setup/child.mjs';

/** The Debian package that brings a Python module. */
const debianPackages = { torch: 'python3-torch', torchvision: 'python3-torchvision', numpy: 'python3-numpy' } as const;
export type PythonModule = keyof typeof debianPackages;

export type PythonSearch =
  | { found: true; python: string; versions: Record<PythonModule, string> }
  /** `mend` is a sentence for the bench's notes. */
  | { found: false; mend: string };

/** Looks at the system's Python only, so that the peer is the one that the Debian package brings. */
export async function findPython<M extends PythonModule>(modules: readonly M[]): Promise<PythonSearch> {
  const python = '/usr/bin/python3';
  const packages = modules.map((name) => debianPackages[name]).join(' ');
  const missing: PythonSearch = { found: false, mend: `The peer is not installed: sudo apt-get install ${packages}` };
  if (!existsSync(python)) return missing;
  const probe = `import json, ${modules.join(', ')}\nprint(json.dumps({m.__name__: m.__version__ for m in [${modules.join(', ')}]}))`;
  const { code, stdout } = await capture(python, ['-c', probe]);
  if (code === 0 && hasReferenceBlas()) return { found: false, mend: slowBlas };
  return code === 0 ? { found: true, python, versions: JSON.parse(stdout) as Record<PythonModule, string> } : missing;
}

const slowBlas =
  'PyTorch would run on the reference BLAS, which is several times slower: sudo apt-get install libopenblas0-openmp';

/** Debian's python3-torch does without a fast BLAS unless one is installed. */
function hasReferenceBlas(): boolean {
  const link = '/etc/alternatives/libblas.so.3-x86_64-linux-gnu';
  return existsSync(link) && realpathSync(link).includes('/blas/');
}

export interface PythonPeer {
  /** Sends a request and waits for its first answer. Rejects where the peer answers with an error or has ended. */
  ask<Answer>(request: Record<string, unknown>): Promise<Answer>;
  /** One more answer to the last request, for one that answers several times (an epoch at a time). */
  next<Answer>(): Promise<Answer>;
  /** Ends it, whatever it is doing. */
  close(): Promise<void>;
}

/** `script` is an absolute path; its standard error goes to ours. `environment` is added to ours. */
export function startPythonPeer(
  python: string,
  script: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): PythonPeer {
  return startPeer([python, '-u', script, ...args], script, environment);
}

/** A program in another language, or ours in a process of its own, that speaks in the same way. */
export function startPeer(
  [command, ...args]: readonly [string, ...string[]],
  script: string,
  environment: NodeJS.ProcessEnv = {},
): PythonPeer {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  child.stdin.on('error', () => {}); // a peer that has ended is told by `lines`
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  async function next<Answer>(): Promise<Answer> {
    const { value: line, done } = await lines.next();
    if (done) throw new Error(`${basename(script)} ended without an answer.`);
    const answer = JSON.parse(line) as Answer | { error: string };
    if (typeof answer === 'object' && answer !== null && 'error' in answer) {
      throw new Error(`${basename(script)}: ${answer.error}`);
    }
    return answer as Answer;
  }
  return {
    ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return next();
    },
    next,
    async close() {
      child.kill(); // it may be in the middle of an answer that nobody waits for any more
      await ended;
    },
  };
}
