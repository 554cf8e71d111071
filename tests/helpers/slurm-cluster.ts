/**
 * A real Slurm of one node in a folder of its own: munged, slurmctld and slurmd as they come with Debian's slurm-wlm, on
 * ports of their own, ended with the test. Whoever starts it must be root, as slurmd is.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';

export interface SlurmCluster {
  /** For every process that asks it. */
  environment: { SLURM_CONF: string };
  stop(): Promise<void>;
}

const programs = ['/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch'];

/** Why there can be none here, in a sentence; null where there can. */
export function whyNoSlurm(): string | null {
  const missing = programs.find((program) => !existsSync(program));
  if (missing !== undefined) return `there is no ${missing} (Debian: apt-get install slurm-wlm munge)`;
  return process.getuid?.() === 0 ? null : 'slurmd must be started by root';
}

/** `folder` must not exist yet, and its path be short: sockets lie in it. */
export async function startSlurm(folder: string, cpus = 2): Promise<SlurmCluster> {
  for (const name of ['', 'state', 'spool', 'munge']) mkdirSync(join(folder, name), { mode: 0o755, recursive: true });
  const key = join(folder, 'munge', 'key');
  const socket = join(folder, 'munge', 'socket');
  writeFileSync(key, randomBytes(1024), { mode: 0o400 });
  const [controllerPort, nodePort] = [17_000, 17_001];
  const node = hostname().split('.')[0]!;
  const configuration = join(folder, 'slurm.conf');
  writeFileSync(
    configuration,
    [
      'ClusterName=test',
      `SlurmctldHost=${node}(127.0.0.1)`,
      `SlurmctldPort=${controllerPort}`,
      `SlurmdPort=${nodePort}`,
      'SlurmUser=root',
      'SlurmdUser=root',
      'AuthType=auth/munge',
      `AuthInfo=socket=${socket}`,
      'CredType=cred/munge',
      `StateSaveLocation=${join(folder, 'state')}`,
      `SlurmdSpoolDir=${join(folder, 'spool')}`,
      `SlurmctldPidFile=${join(folder, 'slurmctld.pid')}`,
      `SlurmdPidFile=${join(folder, 'slurmd.pid')}`,
      `SlurmctldLogFile=${join(folder, 'slurmctld.log')}`,
      `SlurmdLogFile=${join(folder, 'slurmd.log')}`,
      'ProctrackType=proctrack/linuxproc',
      'TaskPlugin=task/none',
      'SelectType=select/cons_tres',
      'SelectTypeParameters=CR_Core',
      'SchedulerType=sched/builtin',
      'JobRequeue=0',
      'KillWait=15',
      'ReturnToService=2',
      'MpiDefault=none',
      `NodeName=${node} NodeAddr=127.0.0.1 CPUs=${cpus} State=UNKNOWN`,
      `PartitionName=test Nodes=${node} Default=YES MaxTime=INFINITE State=UP`,
      '',
    ].join('\n'),
  );
  const environment = { SLURM_CONF: configuration };
  const daemons: ChildProcess[] = [];
  const start = (program: string, args: string[]): void => {
    daemons.push(spawn(program, args, { env: { ...process.env, ...environment }, stdio: 'ignore' }));
  };
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.toReversed()) {
      const gone = new Promise((resolve) => daemon.once('exit', resolve));
      if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
      daemon.kill('SIGTERM');
      const timer = setTimeout(() => daemon.kill('SIGKILL'), 5000);
      await gone;
      clearTimeout(timer);
    }
  };
  start('/usr/sbin/munged', [
    '--foreground',
    '--force',
    `--key-file=${key}`,
    `--socket=${socket}`,
    `--pid-file=${join(folder, 'munge', 'pid')}`,
    `--log-file=${join(folder, 'munge', 'log')}`,
    `--seed-file=${join(folder, 'munge', 'seed')}`,
  ]);
  try {
    await until(() => existsSync(socket), 'munged');
    start('/usr/sbin/slurmctld', ['-D', '-f', configuration]);
    start('/usr/sbin/slurmd', ['-D', '-f', configuration, '-N', node]);
    await until(() => nodeState(environment) === 'idle', 'an idle node');
    return { environment, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function nodeState(environment: SlurmCluster['environment']): string {
  const env = { ...process.env, ...environment };
  const { stdout } = spawnSync('sinfo', ['--noheader', '--format=%T'], { env, encoding: 'utf8' });
  return stdout.trim();
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Slurm did not start: waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
