/** `fovea`: the command line on the real terminal and the real services. */
import { mkdirSync } from 'node:fs';
import { createBackend } from '../../index.ts';
import { onInterrupt } from '../interrupts.ts';
import { nodePorts } from '../node-process.ts';
import { exitCodes, type CliIo } from './io.ts';
import { runCli } from './program.ts';

const io: CliIo = {
  stdout: process.stdout,
  stderr: process.stderr,
  cwd: process.cwd(),
  onInterrupt,
  abort: () => process.exit(exitCodes.cancelled),
};

// `fovea runs | head` closes the pipe early; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

// Without a terminal there is nobody to tell, but the work in hand still ends in order.
process.stderr.on('error', () => {});

const ports = nodePorts();
process.exitCode = await runCli(process.argv.slice(2), io, {
  openBackend: () => {
    mkdirSync(ports.userDataFolder, { recursive: true });
    return createBackend(ports);
  },
  launchTask: ports.launchTask,
  launchTrainer: ports.launchTrainer,
});
