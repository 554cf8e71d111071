/** Where a figure was measured: without it a figure says nothing. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { repository } from '../helpers/app-session.ts';

export interface MachineFacts {
  cpu: string;
  cores: number;
  memoryGb: number;
  system: string;
  node: string;
  onnxruntime: string;
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    onnxruntime: versionOf('onnxruntime-node'),
  };
}

function versionOf(name: string): string {
  const manifest = readFileSync(`${repository}/node_modules/${name}/package.json`, 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
