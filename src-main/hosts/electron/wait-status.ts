/** What Electron reports at the end of a utility process: waitpid's status word on POSIX, the exit code on Windows. */
import { constants } from 'node:os';

export interface ProcessExit {
  code: number | null;
  signal: string | null;
}

/** Source: wait(2). The low seven bits hold the signal that killed it, the byte above them the code it ended with. */
export function exitOf(status: number, platform: NodeJS.Platform): ProcessExit {
  if (platform === 'win32') return { code: status, signal: null };
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal: signalName(signal) };
}

function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}
