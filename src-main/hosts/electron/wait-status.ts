/**
 * What Electron reports at the end of a utility process. Documented is waitpid's status word (on Windows the exit code);
 * observed with Electron 42 on Linux, a process that calls `process.exit(3)` gives 768 or 3, whichever message wins the
 * race, and one killed by SIGKILL gives 9. So a small number is a signal only where it is one that ends processes.
 */
import { constants } from 'node:os';

export interface ProcessExit {
  code: number | null;
  signal: string | null;
}

const deadlySignals = ['SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGSEGV', 'SIGTERM'] as const;
const coreDumped = 0x80;

/** Source: wait(2). The low seven bits hold the signal, the byte above them the code that the process ended with. */
export function exitOf(status: number, platform: NodeJS.Platform): ProcessExit {
  if (platform === 'win32') return { code: status, signal: null };
  if (status > 0xff) return { code: (status >> 8) & 0xff, signal: null };
  const signal = deadlySignals.find((name) => constants.signals[name] === (status & ~coreDumped));
  return signal === undefined ? { code: status, signal: null } : { code: null, signal };
}
