/**
 * Two sets of labels of the open image, held against each other: those of a person, of an import or of a model, all of
 * them, those that were there before anything was changed, and what a run says of the image now.
 */
import type { Api } from '../api/client.svelte.ts';
import type { Label } from '../canvas/editor/types.ts';
import type { Provenance } from '../../src-main/contract/model/annotation.ts';
import type { DatasetId, ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import { usualDetectionSettings } from '../../src-main/contract/model/run-results.ts';
import { hasNetwork, type RunSummary } from '../../src-main/contract/model/run.ts';
import type { TrainedClass } from '../../src-main/contract/model/trained-classes.ts';
import type { LabelSession } from './label-session.svelte.ts';
import { RunOverlay, type Overlay } from './run-overlay.svelte.ts';

export interface LabelSource {
  /** "all", "first", "by:person", "labels:7" (that run 7 proposed), "run:7" (what run 7 says). */
  readonly id: string;
  readonly label: string;
}

/** What a source has of the open image. */
export type SourceContent =
  | { readonly kind: 'labels'; readonly labels: readonly Label[] }
  | { readonly kind: 'run'; readonly overlay: Overlay | null; readonly classes: readonly TrainedClass[] };

const nothing: SourceContent = { kind: 'labels', labels: [] };
const fixedSources: readonly LabelSource[] = [
  { id: 'all', label: 'All labels' },
  { id: 'by:person', label: 'Drawn by a person' },
  { id: 'by:import', label: 'Came with the data set' },
  { id: 'first', label: 'Before the first change' },
];

export class LabelComparison {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  readonly #datasetId: DatasetId;
  readonly #labels: LabelSession;
  readonly #overlays = new Map<RunId, RunOverlay>();
  #classes = $state.raw<ReadonlyMap<RunId, readonly TrainedClass[]>>(new Map());
  isOn = $state(false);
  left = $state('first');
  right = $state('all');
  /** Where the two meet, 0 to 1 of the view's width. */
  divider = $state(0.5);
  /** Boxes of a run that are less sure are left out. */
  scoreThreshold = $state(usualDetectionSettings.scoreThreshold);
  #runs = $state.raw<readonly RunSummary[]>([]);
  #first = $state.raw<readonly Label[]>([]);
  error = $state.raw<unknown>(null);

  constructor(api: Api, projectId: ProjectId, datasetId: DatasetId, labels: LabelSession) {
    this.#api = api;
    this.#projectId = projectId;
    this.#datasetId = datasetId;
    this.#labels = labels;
  }

  /** `proposed`: the labels' provenances in the open image; the sources that are chosen are among them even without labels. */
  sources(proposed: readonly Provenance[]): LabelSource[] {
    const byRun = new Map(this.#runs.map((run) => [run.runId, run.name]));
    const nameOf = (runId: RunId): string => byRun.get(runId) ?? `run ${runId}`;
    const models = new Set(proposed.flatMap((from) => (from.by === 'model' ? [from.runId] : [])));
    return [
      ...fixedSources,
      ...[...models].map((runId) => ({ id: `labels:${runId}`, label: `Labels proposed by ${nameOf(runId)}` })),
      ...this.#runs.map(({ runId, name }) => ({ id: `run:${runId}`, label: `What ${name} says` })),
    ];
  }

  async open(): Promise<void> {
    this.isOn = true;
    try {
      const runs = await this.#api.call('run.list', { projectId: this.#projectId });
      this.#runs = runs.filter(
        (run) => run.datasetId === this.#datasetId && run.task !== 'classification' && hasNetwork(run),
      );
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  close(): void {
    this.isOn = false;
  }

  swap(): void {
    [this.left, this.right] = [this.right, this.left];
  }

  /** Fetches what the sources have of an image; again after its labels have changed. */
  async show(imageId: ImageId): Promise<void> {
    try {
      const wanted = [this.left, this.right];
      const runIds = wanted.flatMap((id) => (id.startsWith('run:') ? [Number(id.slice(4)) as RunId] : []));
      for (const runId of runIds) await this.#overlay(runId)?.show(imageId);
      for (const runId of runIds) await this.#readClasses(runId);
      if (wanted.includes('first')) {
        const first = await this.#labels.stateAt(0);
        if (this.#labels.imageId === imageId) this.#first = first;
      }
      this.error = runIds.map((runId) => this.#overlay(runId)?.error).find((error) => error != null) ?? null;
    } catch (error) {
      this.error = error;
    }
  }

  /** `all`: the open image's labels as they are now. */
  content(id: string, all: readonly Label[]): SourceContent {
    const [kind, what] = id.split(':');
    if (kind === 'all') return { kind: 'labels', labels: all };
    if (kind === 'first') return { kind: 'labels', labels: this.#first };
    if (kind === 'by') return { kind: 'labels', labels: all.filter(({ provenance }) => provenance.by === what) };
    const runId = Number(what) as RunId;
    if (kind === 'run') {
      const overlay = this.#overlay(runId)?.current ?? null;
      return { kind: 'run', overlay, classes: this.#classes.get(runId) ?? [] };
    }
    if (kind !== 'labels') return nothing;
    const own = all.filter(({ provenance }) => provenance.by === 'model' && provenance.runId === runId);
    return { kind: 'labels', labels: own };
  }

  /** Whether one of the two sides shows boxes with scores. */
  get hasScores(): boolean {
    return [this.left, this.right].some((id) => {
      const content = this.content(id, []);
      return content.kind === 'run' && content.overlay?.kind === 'boxes';
    });
  }

  #overlay(runId: RunId): RunOverlay | null {
    const run = this.#runs.find((candidate) => candidate.runId === runId);
    if (run === undefined) return null;
    const known = this.#overlays.get(runId) ?? new RunOverlay(this.#api, this.#projectId, runId, run.task);
    this.#overlays.set(runId, known);
    return known;
  }

  async #readClasses(runId: RunId): Promise<void> {
    if (this.#classes.has(runId)) return;
    const { classes } = await this.#api.call('run.get', { projectId: this.#projectId, runId });
    this.#classes = new Map([...this.#classes, [runId, classes]]);
  }
}
