/** `fovea`: the command line on the real terminal and the real services. */
import { mkdirSync } from 'node:fs';
import { createBackend } from '../../index.ts';
import { nodePorts } from '../node-process.ts';
import { exitCodes, type CliIo } from './io.ts';
import { runCli } from './program.ts';

/** Ctrl-C, a polite kill, and the end of the connection to a remote machine. */
const interrupts = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const io: CliIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  onInterrupt(listener) {
    for (const signal of interrupts) process.on(signal, listener);
    return () => interrupts.forEach((signal) => process.off(signal, listener));
  },
  abort: () => process.exit(exitCodes.cancelled),
};

// `fovea runs | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

// Without a terminal there is nobody to tell, but the work in hand still ends in order.
process.stderr.on('error', () => {});

process.exitCode = await runCli(process.argv.slice(2), io, () => {
  const ports = nodePorts();
  mkdirSync(ports.userDataFolder, { recursive: true });
  return createBackend(ports);
});
