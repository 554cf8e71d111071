/** The commands about weights, and what `train --weights` means. */
import { resolve } from 'node:path';
import { FoveaError } from '../../contract/errors.ts';
import type { Project } from '../../contract/model/project.ts';
import { checkpointName, type RunConfig } from '../../contract/model/run.ts';
import type { CatalogueState, WeightsListing, WeightsSource } from '../../contract/model/weights.ts';
import type { Client } from './client.ts';
import { jobEnd, type OutputOptions, type ProjectOptions, type Session } from './session.ts';
import { exitCodes, formatNumber, printJson, say, table, type ExitCode } from './io.ts';
import { findRun, openProject } from './selection.ts';

/** Any network: the catalogue is listed whole. */
const anyNetwork: RunConfig['model'] = { id: '', options: {} };

export async function listWeights({ client, io }: Session, options: OutputOptions): Promise<ExitCode> {
  const entries = await client.call('weights.catalogue', { model: anyNetwork });
  if (options.json) printJson(io, entries);
  else io.stdout.write(catalogueText(entries));
  return exitCodes.ok;
}

function catalogueText(entries: readonly CatalogueState[]): string {
  const rows = entries.map(({ id, label, publisher, sizeBytes, licence, path }) => [
    id,
    label,
    publisher,
    megabytes(sizeBytes),
    licence.name,
    path ?? '',
  ]);
  return table(['id', 'weights', 'publisher', 'size', 'licence', 'here'], rows);
}

export async function downloadWeights(session: Session, id: string, options: ProjectOptions): Promise<ExitCode> {
  const { client, io } = session;
  const { projectId } = await openProject(client, options.project, io.cwd);
  const entry = await catalogueEntry(client, id);
  say(io, `${entry.label} by ${entry.publisher}, ${megabytes(entry.sizeBytes)}, ${entry.licence.name}.`);
  say(io, entry.licence.consequence);
  const started = await client.call('weights.download', { projectId, id });
  const { exitCode } = await jobEnd(session, started, 'Cancelled; the next download goes on from here.');
  if (exitCode !== exitCodes.ok) return exitCode;
  const { path } = await catalogueEntry(client, id);
  if (options.json) printJson(io, { id, path });
  else io.stdout.write(`${path}\n`);
  return exitCodes.ok;
}

async function catalogueEntry(client: Client, id: string): Promise<CatalogueState> {
  const entries = await client.call('weights.catalogue', { model: anyNetwork });
  const found = entries.find((entry) => entry.id === id);
  if (found) return found;
  throw new FoveaError(
    'not-found',
    `There are no weights "${id}" in the catalogue. \`fovea weights list\` names them.`,
  );
}

export async function inspectWeights({ client, io }: Session, file: string, options: OutputOptions): Promise<ExitCode> {
  const listing = await client.call('weights.inspect', { path: resolve(io.cwd, file) });
  if (options.json) printJson(io, listing);
  else io.stdout.write(listingText(listing));
  return exitCodes.ok;
}

function listingText({ path, format, sizeBytes, sha256, tensors, others, metadata }: WeightsListing): string {
  const elements = tensors.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const facts = [
    path,
    `${format}, ${megabytes(sizeBytes)}, sha256 ${sha256}`,
    `${tensors.length} tensors with ${elements.toLocaleString('en')} numbers${others > 0 ? `, and ${others} of whole numbers` : ''}`,
    ...Object.entries(metadata).map(
      ([key, value]) => `${key}: ${value.length > 200 ? `${value.slice(0, 200)}…` : value}`,
    ),
  ];
  const rows = tensors.map(({ name, shape, dtype }) => [name, dtype, shape.join(' × ')]);
  return `${facts.join('\n')}\n\n${table(['tensor', 'type', 'shape'], rows)}`;
}

const megabytes = (bytes: number): string => `${formatNumber(bytes / 1e6)} MB`;

/** "scratch", "run:7", "run:7:last", an id of the catalogue, or a file. */
export async function chosenWeights(
  { client, io }: Session,
  project: Project,
  wanted: string,
): Promise<WeightsSource | null> {
  if (wanted === 'scratch') return null;
  const [kind, run, checkpoint = 'best', ...more] = wanted.split(':');
  if (kind === 'run' && run !== undefined && more.length === 0) {
    const { runId } = await findRun(client, project, run);
    const name = checkpointName.options.find((option) => option === checkpoint);
    if (name) return { source: 'run', runId, checkpoint: name };
    throw new FoveaError('invalid-request', `--weights ${wanted}: the checkpoint is "best" or "last".`);
  }
  const entries = await client.call('weights.catalogue', { model: anyNetwork });
  if (entries.some(({ id }) => id === wanted)) return { source: 'catalogue', id: wanted };
  const { path, sha256 } = await client.call('weights.inspect', { path: resolve(io.cwd, wanted) });
  return { source: 'file', path, sha256 };
}
