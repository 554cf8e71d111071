/** How a child process ended, in words. */

import type { Exit } from '../processes/child-process.ts';

/** `who` begins the sentence: "The training process". */
export function describeDeath({ code, signal }: Exit, who: string): string {
  if (signal === 'SIGKILL') {
    return `${who} was killed (SIGKILL). The system does this when memory runs out; a smaller batch needs less.`;
  }
  if (signal !== null) return `${who} crashed (${signal}).`;
  return `${who} ended unexpectedly with exit code ${code}.`;
}
