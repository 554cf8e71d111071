/** `npm run serve`: the same app for a browser on this machine, or on another one through an SSH tunnel. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { createBackend } from '../../index.ts';
import { toErrorData } from '../../contract/errors.ts';
import { version } from '../app-facts.ts';
import { onInterrupt } from '../interrupts.ts';
import { nodePorts } from '../node-process.ts';
import { startWebHost } from './server.ts';

const rendererFolder = fileURLToPath(new URL('../../../out/renderer', import.meta.url));

const program = new Command('fovea-serve')
  .description('Serves Fovea to a browser on this machine.')
  .version(version)
  .option('--port <number>', 'port on 127.0.0.1; 0 takes a free one', parsePort, 0)
  .action(({ port }: { port: number }) => serve(port));

try {
  await program.parseAsync();
} catch (error) {
  console.error(toErrorData(error).message);
  process.exit(1);
}

async function serve(port: number): Promise<void> {
  const ports = nodePorts();
  mkdirSync(ports.userDataFolder, { recursive: true });
  const backend = createBackend(ports);
  const host = await startWebHost({ backend, rendererFolder, port });

  console.log(`Fovea is served at ${host.url}`);
  console.log(
    `From another machine: ssh -L ${host.port}:127.0.0.1:${host.port} HOST, then open the same address there.`,
  );
  console.log('Press Ctrl-C to stop it.');

  let stopping = false;
  onInterrupt(() => {
    if (stopping) process.exit(130); // the person asked twice
    stopping = true;
    console.log('Stopping: saving running work …');
    Promise.all([host.close(), backend.close()]).then(() => process.exit(0), exitWithError);
  });
}

function exitWithError(error: unknown): never {
  console.error(toErrorData(error).message);
  process.exit(1);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError('A port is 0 to 65535.');
  return port;
}
