/**
 * A Python program to measure against, kept running so that its rounds can take turns with ours. It speaks in lines: one
 * JSON request in, one JSON answer out (peers/line_protocol.py is its side).
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { capture } from '../../src-main/setup/child.mjs';

/** The Debian package that brings a Python module. */
const debianPackages = { torch: 'python3-torch', numpy: 'python3-numpy' } as const;
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
  return code === 0 ? { found: true, python, versions: JSON.parse(stdout) as Record<PythonModule, string> } : missing;
}

export interface PythonPeer {
  /** Sends one request and waits for its answer. Rejects with the peer's own message where it raised an exception. */
  ask<Answer>(request: Record<string, unknown>): Promise<Answer>;
  close(): Promise<void>;
}

type Reply = { ok: true; value: unknown } | { ok: false; error: string };

/** `script` is a file in peers/; its standard error goes to ours. */
export function startPythonPeer(python: string, script: string, env: Record<string, string> = {}): PythonPeer {
  const file = fileURLToPath(new URL(`peers/${script}`, import.meta.url));
  const child = spawn(python, ['-u', file], { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as Reply));
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code) => {
      for (const { reject } of waiting.splice(0)) reject(new Error(`${script} ended with code ${code}`));
      resolve();
    });
  });
  return {
    async ask<Answer>(request: Record<string, unknown>): Promise<Answer> {
      const reply = await new Promise<Reply>((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(request)}\n`);
      });
      if (!reply.ok) throw new Error(`${script}: ${reply.error}`);
      return reply.value as Answer;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
