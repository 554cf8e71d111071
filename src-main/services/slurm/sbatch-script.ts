/** The script that Slurm runs for each task of a job array: Fovea's command line on one run's folder. Pure. */
import { FoveaError } from '../../contract/errors.ts';
import type { SlurmSettings } from '../../contract/model/sweep.ts';

export interface SbatchJob {
  name: string;
  /** Absolute paths of the runs' folders, in the order of the array's tasks. */
  folders: readonly string[];
  /** Where the tasks' own output goes. */
  logFolder: string;
  /** What starts Fovea's command line, where the settings do not say. */
  command: readonly string[];
  settings: SlurmSettings;
}

/** Throws FoveaError `bad-input` for a further option that is none. */
export function sbatchScript({ name, folders, logFolder, command, settings }: SbatchJob): string {
  const { partition, timeLimit, cpus, memory, gpus, atOnce } = settings;
  const option = (key: string, value: string | number): string[] =>
    value === '' || value === 0 ? [] : [`--${key}=${quoteOption(String(value))}`];
  const options = [
    ...option('job-name', name.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 60) || 'fovea'),
    `--array=0-${folders.length - 1}${atOnce === null ? '' : `%${atOnce}`}`,
    ...option('output', `${logFolder.replaceAll('%', '%%')}/%A_%a.log`),
    ...option('partition', partition),
    ...option('time', timeLimit),
    ...option('cpus-per-task', cpus),
    ...option('mem', memory),
    ...option('gpus', gpus),
    ...furtherOptions(settings.options),
  ];
  return [
    '#!/bin/bash',
    ...options.map((text) => `#SBATCH ${text}`),
    '',
    '# One run a task. A run that was interrupted goes on from its checkpoint.',
    'folders=(',
    ...folders.map((folder) => `  ${quote(folder)}`),
    ')',
    `exec ${settings.command ?? command.map(quote).join(' ')} train-folder "\${folders[$SLURM_ARRAY_TASK_ID]}"`,
    '',
  ].join('\n');
}

function furtherOptions(text: string): string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim().replace(/^#SBATCH\s+/, ''))
    .filter((line) => line !== '');
  const wrong = lines.find((line) => !/^-{1,2}[A-Za-z]/.test(line));
  if (wrong === undefined) return lines;
  throw new FoveaError('bad-input', `“${wrong}” is no option of sbatch: write one a line, such as --account=vision.`);
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Where a space or a mark would end the option. */
const quoteOption = (text: string): string =>
  /^[\w./:,=%@+-]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`;
