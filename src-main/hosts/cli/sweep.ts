/** The commands about sweeps: many runs with different settings as one. */
import { FoveaError } from '../../contract/errors.ts';
import type { Calls } from '../../contract/ipc.ts';
import { takesWholeNumbers } from '../../contract/model/model-spec.ts';
import type { ProjectId, RunId } from '../../contract/model/ids.ts';
import type { Project } from '../../contract/model/project.ts';
import type { RunConfig, RunSummary } from '../../contract/model/run.ts';
import { metricDefinitions } from '../../contract/model/run.ts';
import {
  bestFirst,
  progressText,
  sweepMetric,
  sweepProgress,
  sweepRows,
  type SweepRow,
} from '../../contract/model/sweep-table.ts';
import {
  usualSlurmSettings,
  type SettingChange,
  type SlurmSettings,
  type Sweep,
  type SweepAxis,
  type SweepPlan,
  type SweepSearch,
} from '../../contract/model/sweep.ts';
import { print, project, type ProjectOptions, type Session } from './session.ts';
import { planned, type TrainOptions } from './train-commands.ts';
import { cancelOnInterrupt } from './follow.ts';
import { exitCodes, formatDuration, formatNumber, LiveLine, say, table, type ExitCode } from './io.ts';
import { withSettings } from './run-settings.ts';
import { findSweep } from './selection.ts';
import { chosenWeights } from './weights.ts';

export interface SweepStartOptions extends Omit<TrainOptions, 'resume' | 'listSettings'> {
  axis: string[];
  seeds: number[];
  random?: number;
  searchSeed: number;
  oneAtATime?: boolean;
  priority: number;
  slurm?: boolean;
  partition?: string;
  time?: string;
  cpus?: number;
  memory?: string;
  gpus?: number;
  atOnce?: number;
  sbatch: string[];
  dryRun?: boolean;
  detach?: boolean;
}

type Template = Calls['run.template']['response'];
type Facts = {
  session: Session;
  opened: Project;
  template: Template;
  settings: unknown;
  base: RunConfig;
  set: string[];
};

export async function startSweep(session: Session, options: SweepStartOptions): Promise<ExitCode> {
  const { client, io } = session;
  const opened = await project(session, options);
  const { projectId } = opened;
  const { template, settings, config } = await planned(session, opened, options);
  const facts = { session, opened, template, settings, base: config, set: options.set };
  const axes: SweepAxis[] = [];
  for (const text of options.axis) axes.push(await readAxis(facts, text));
  const plan: SweepPlan = {
    version: 1,
    base: config,
    axes,
    search: searchOf(options),
    seeds: options.seeds.length > 0 ? options.seeds : [config.seed],
    slurm: options.slurm ? slurmOf(options) : null,
    priority: options.priority,
  };
  const preview = await client.call('sweep.preview', { projectId, plan });
  for (const { severity, message, runs } of preview.findings)
    say(io, `${severity}: ${message} (${counted(runs, 'run')})`);
  if (preview.findings.some(({ severity }) => severity === 'error'))
    throw new FoveaError('invalid-request', 'The sweep was not started.');
  const { totalMs } = await client.call('run.estimateTime', { projectId, config });
  const runs = preview.trials.length;
  const seeds = new Set(preview.trials.map(({ seed }) => seed)).size;
  const left = preview.duplicates > 0 ? `; ${preview.duplicates} that would be the same are left out` : '';
  const alone = formatDuration((totalMs * runs) / 1000);
  say(io, `${counted(runs, 'run')}: ${counted(runs / seeds, 'combination')} with ${counted(seeds, 'seed')}${left}.`);
  say(io, `About ${formatDuration(totalMs / 1000)} for a run like the plan, ${alone} for all one after the other.`);
  if (options.dryRun) return print(session, options, preview, () => '');
  const sweep = await client.call('sweep.start', { projectId, name: options.name ?? 'Sweep', plan });
  say(io, `Sweep ${sweep.sweepId} "${sweep.name}"`);
  return watch(session, options, sweep);
}

export async function listSweeps(session: Session, options: ProjectOptions): Promise<ExitCode> {
  const { projectId } = await project(session, options);
  const sweeps = await session.client.call('sweep.list', { projectId });
  const runs = await runsById(session, projectId);
  return print(session, options, sweeps, () => {
    if (sweeps.length === 0) return 'No sweeps yet. Start one with: fovea sweep start --axis PATH=VALUE,VALUE\n';
    const rows = sweeps.map((sweep) => [
      String(sweep.sweepId),
      sweep.name,
      sweep.plan.axes.map(({ label }) => label).join(', '),
      progressText(sweepProgress(sweep, runs)),
    ]);
    return table(['id', 'sweep', 'over', 'runs'], rows);
  });
}

export async function showSweep(session: Session, wanted: string, options: ProjectOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  return report(session, options, opened.projectId, await findSweep(session.client, opened, wanted));
}

export async function cancelSweep(session: Session, wanted: string, options: ProjectOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  const { sweepId } = await findSweep(session.client, opened, wanted);
  await session.client.call('sweep.cancel', { projectId: opened.projectId, sweepId });
  return exitCodes.ok;
}

export async function deleteSweep(session: Session, wanted: string, options: ProjectOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  const { sweepId } = await findSweep(session.client, opened, wanted);
  await session.client.call('sweep.delete', { projectId: opened.projectId, sweepId });
  return exitCodes.ok;
}

export async function resumeSweep(
  session: Session,
  wanted: string,
  options: ProjectOptions & { detach?: boolean },
): Promise<ExitCode> {
  const opened = await project(session, options);
  const { sweepId } = await findSweep(session.client, opened, wanted);
  const sweep = await session.client.call('sweep.resume', { projectId: opened.projectId, sweepId });
  return watch(session, options, sweep);
}

export async function followSweep(session: Session, wanted: string, options: ProjectOptions): Promise<ExitCode> {
  const opened = await project(session, options);
  return watch(session, options, await findSweep(session.client, opened, wanted));
}

/**
 * Until none of its runs trains or waits; with `detach` until Slurm has them. Ctrl-C cancels what trains here, and only
 * stops watching what Slurm has.
 */
async function watch(
  session: Session,
  options: ProjectOptions & { detach?: boolean },
  { sweepId, plan }: Sweep,
): Promise<ExitCode> {
  const { client, io } = session;
  const { projectId } = await project(session, options);
  const isDetached = options.detach === true;
  if (isDetached && plan.slurm === null)
    throw new FoveaError(
      'invalid-request',
      '--detach needs --slurm: what trains on this machine ends with the command.',
    );
  const live = new LiveLine(io);
  const ended = Promise.withResolvers<void>();
  const sweep = await client.call('sweep.get', { projectId, sweepId });
  const runs = new Map<RunId, RunSummary>();
  const look = (): void => {
    const known = [...runs.values()].filter((run) => run.sweepId === sweepId);
    const isOn = ({ status }: RunSummary): boolean => status === 'queued' || status === 'running';
    if (!known.some((run) => isOn(run) && !(isDetached && run.slurmJob !== null))) ended.resolve();
    live.show(progressText(sweepProgress(sweep, runs)));
  };
  const subscriptions = [
    client.subscribe('run.changed', (event) => {
      if (event.projectId !== projectId || event.summary.sweepId !== sweepId) return;
      const before = runs.get(event.summary.runId)?.status;
      runs.set(event.summary.runId, event.summary);
      const { name, status, reason } = event.summary;
      if (status !== before) {
        live.clear();
        say(io, `${status}: ${name}${reason === null ? '' : ` (${reason})`}`);
      }
      look();
    }),
    plan.slurm === null
      ? cancelOnInterrupt(io, 'Cancelling the sweep …', () => client.call('sweep.cancel', { projectId, sweepId }))
      : io.onInterrupt(() => {
          say(io, `\nThe jobs go on. End them with: fovea sweep cancel ${sweepId}`);
          ended.resolve();
        }),
  ];
  try {
    for (const run of await client.call('run.list', { projectId })) if (!runs.has(run.runId)) runs.set(run.runId, run);
    look();
    await ended.promise;
  } finally {
    for (const end of subscriptions) end();
    live.clear();
  }
  await report(session, options, projectId, sweep);
  const { finished, runs: all } = sweepProgress(sweep, await runsById(session, projectId));
  return isDetached || finished === all ? exitCodes.ok : exitCodes.failed;
}

async function report(
  session: Session,
  options: ProjectOptions,
  projectId: ProjectId,
  sweep: Sweep,
): Promise<ExitCode> {
  const runs = await runsById(session, projectId);
  const metric = sweepMetric(sweep);
  const rows = bestFirst(sweepRows(sweep, runs), metric);
  const { label, better } = metricDefinitions[metric];
  return print(session, options, { sweep, metric, rows }, () => {
    const header = [
      ...sweep.plan.axes.map((axis) => axis.label),
      'runs',
      `${label} (${better} is better)`,
      '± over seeds',
      'last',
    ];
    const cells = ({ values, runs: own, best, last, measured }: SweepRow): string[] => [
      ...values.map((value) => value.label),
      `${measured}/${own.length}`,
      formatNumber(best?.mean),
      formatNumber(best?.deviation),
      formatNumber(last?.mean),
    ];
    return `${table(header, rows.map(cells))}${progressText(sweepProgress(sweep, runs))}\n`;
  });
}

async function runsById({ client }: Session, projectId: ProjectId): Promise<Map<RunId, RunSummary>> {
  return new Map((await client.call('run.list', { projectId })).map((run) => [run.runId, run]));
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

function searchOf({ random, searchSeed, oneAtATime }: SweepStartOptions): SweepSearch {
  if (random !== undefined) return { kind: 'random', combinations: random, seed: searchSeed };
  return { kind: oneAtATime ? 'one-at-a-time' : 'grid' };
}

function slurmOf({ partition, time, cpus, memory, gpus, atOnce, sbatch }: SweepStartOptions): SlurmSettings {
  return {
    ...usualSlurmSettings,
    ...(partition !== undefined && { partition }),
    ...(time !== undefined && { timeLimit: time }),
    ...(cpus !== undefined && { cpus }),
    ...(memory !== undefined && { memory }),
    ...(gpus !== undefined && { gpus }),
    atOnce: atOnce ?? null,
    options: sbatch.join('\n'),
  };
}

/** `batchSize=16,32`, `weights=scratch,torchvision-resnet18`, or for random searches `phases.0.learningRate=0.0001..0.1:log`. */
async function readAxis(facts: Facts, text: string): Promise<SweepAxis> {
  const split = text.indexOf('=');
  if (split < 1) throw new FoveaError('invalid-request', `--axis ${text}: expected path=value,value.`);
  const [path, list] = [text.slice(0, split), text.slice(split + 1)];
  const knob = facts.template.knobs.find((each) => each.path === path);
  const label = path === 'weights' ? 'Starts from' : (knob?.label ?? path);
  const range = /^([^.,]+(?:\.\d+)?(?:e[+-]?\d+)?)\.\.(.+?)(:log)?$/.exec(list);
  if (range !== null) {
    const [, low, high, log] = range;
    const integer = knob !== undefined && takesWholeNumbers(knob.control);
    return { kind: 'range', label, path, low: Number(low), high: Number(high), scale: log ? 'log' : 'linear', integer };
  }
  const choices = [];
  for (const value of list.split(',')) choices.push({ label: value, changes: [await changeTo(facts, path, value)] });
  return { kind: 'choices', label, choices };
}

/** A kind, or what is off in the plan, comes with all that belongs to it. */
async function changeTo(facts: Facts, path: string, value: string): Promise<SettingChange> {
  if (path === 'weights') return { path, value: await chosenWeights(facts.session, facts.opened, value) };
  const config = withSettings(facts.template, facts.settings, [...facts.set, `${path}=${value}`]);
  const outer = path.replace(/\.[^.]+$/, '');
  const whole = path.endsWith('.kind') || (outer !== path && valueAt(facts.base, outer) === null);
  const changed = whole ? outer : path;
  return { path: changed, value: valueAt(config, changed) as SettingChange['value'] };
}

function valueAt(document: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (node, key) => (node === null || node === undefined ? node : (node as Record<string, unknown>)[key]),
      document,
    );
}
