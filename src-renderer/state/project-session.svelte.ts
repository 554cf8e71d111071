/** Everything that is kept about one open project; it lives as long as the project is on screen. */
import type { Api } from '../api/client.svelte.ts';
import type { DatasetId } from '../../src-main/contract/model/ids.ts';
import type { Project } from '../../src-main/contract/model/project.ts';
import { DatasetList } from './dataset-list.svelte.ts';
import { ImportFlow } from './import-flow.svelte.ts';
import { JobList } from './job-list.svelte.ts';
import { LayerTuning } from './layer-tuning.svelte.ts';
import { PresetList } from './preset-list.svelte.ts';
import { RunList } from './run-list.svelte.ts';
import { SweepDraft } from './sweep-draft.svelte.ts';
import { SweepList } from './sweep-list.svelte.ts';
import { RunQueueState } from './run-queue.svelte.ts';
import { TrainForm } from './train-form.svelte.ts';
import { UnsavedLabels } from './unsaved-labels.svelte.ts';

export class ProjectSession {
  readonly project: Project;
  readonly datasets: DatasetList;
  readonly jobs: JobList;
  readonly runs: RunList;
  readonly queue: RunQueueState;
  readonly sweeps: SweepList;
  /** The sweep that is being planned; it outlives its dialog. */
  readonly sweepDraft: SweepDraft;
  readonly presets: PresetList;
  readonly trainForm: TrainForm;
  readonly tuning: LayerTuning;
  readonly importing: ImportFlow;
  readonly unsavedLabels = new UnsavedLabels();
  /** Kept between visits to the data screen. */
  lastDatasetId = $state<DatasetId | null>(null);

  readonly #api: Api;

  constructor(api: Api, project: Project) {
    this.#api = api;
    this.project = project;
    this.datasets = new DatasetList(api, project.projectId);
    this.jobs = new JobList(api, project.projectId);
    this.runs = new RunList(api, project.projectId);
    this.queue = new RunQueueState(api, project.projectId);
    this.sweeps = new SweepList(api, project.projectId);
    this.sweepDraft = new SweepDraft(api, project.projectId);
    this.presets = new PresetList(api, project.projectId);
    this.trainForm = new TrainForm(api, project.projectId, this.presets);
    this.tuning = new LayerTuning(api, this.jobs);
    this.importing = new ImportFlow(api, this.jobs);
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    const stops = [
      this.datasets.follow(),
      this.jobs.follow(),
      this.runs.follow(),
      this.queue.follow(),
      this.sweeps.follow(),
      this.tuning.follow(() => this.trainForm.time.forget()),
      this.#api.on('annotation.changed', ({ projectId }) => {
        if (projectId === this.project.projectId) this.trainForm.labels.forget();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }
}
