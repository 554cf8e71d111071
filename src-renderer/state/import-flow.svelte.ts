/**
 * Bringing data into the project: choose a path, see what a dry run finds there, then start the import as a job. A
 * path may also come from a drop, of several one after the other; a browser drops files without telling where they lie,
 * which `dropRefused` says.
 */
import type { Api } from '../api/client.svelte.ts';
import type { DatasetFormat, ImportReport } from '../../src-main/contract/model/dataset.ts';
import { importSources } from './dropped-paths.ts';
import type { JobList } from './job-list.svelte.ts';

interface InspectOptions {
  format?: DatasetFormat;
  labelSource?: string;
}

export type ImportStage = 'closed' | 'choosing' | 'inspecting' | 'report' | 'starting';

export class ImportFlow {
  readonly #api: Api;
  readonly #jobs: JobList;
  stage = $state<ImportStage>('closed');
  path = $state('');
  name = $state('');
  report = $state.raw<ImportReport | null>(null);
  error = $state.raw<unknown>(null);
  dropRefused = $state(false);
  /** What was dropped together, and which of it is being looked into. */
  drop = $state.raw<{ paths: readonly string[]; place: number }>({ paths: [], place: 0 });
  /** Copies image files into the project instead of referencing them. */
  copyFiles = $state(false);
  #attempt = 0;

  constructor(api: Api, jobs: JobList) {
    this.#api = api;
    this.#jobs = jobs;
  }

  /** True where pressing Import would do something. */
  get ready(): boolean {
    return (
      this.stage === 'report' &&
      this.report?.importable === true &&
      this.report.format !== null &&
      this.name.trim() !== ''
    );
  }

  /** Whether more that was dropped is to follow. */
  get hasNext(): boolean {
    return this.drop.place + 1 < this.drop.paths.length;
  }

  open(): void {
    this.#forgetDrop();
    this.#restart('choosing');
  }

  /** Files or folders were dropped on the window; a path is null where the host cannot know it. */
  dropped(paths: readonly (string | null)[]): void {
    this.#restart('choosing');
    const sources = importSources(paths.filter((path) => path !== null));
    this.drop = { paths: sources, place: 0 };
    this.dropRefused = sources.length === 0;
    const [first] = sources;
    if (first !== undefined) void this.inspect(first);
  }

  /** Goes on to what else was dropped, or closes. */
  next(): void {
    if (!this.hasNext) return this.close();
    const { paths, place } = this.drop;
    this.drop = { paths, place: place + 1 };
    void this.inspect(paths[place + 1] ?? '');
  }

  close(): void {
    this.#forgetDrop();
    this.#restart('closed');
  }

  /** Back from the report to the choice of a path. */
  chooseAgain(): void {
    const { path } = this;
    this.#forgetDrop();
    this.#restart('choosing');
    this.path = path;
  }

  /** The same path read as another format than the one that was recognised. */
  async inspectAs(format: DatasetFormat): Promise<void> {
    await this.#inspectAgain({ format });
  }

  /** The same path with the labels from another of its places. */
  async inspectLabels(labelSource: string): Promise<void> {
    const format = this.report?.format;
    await this.#inspectAgain({ labelSource, ...(format == null ? {} : { format }) });
  }

  async #inspectAgain(options: InspectOptions): Promise<void> {
    const { path, name, copyFiles } = this;
    await this.inspect(path, options);
    if (this.stage !== 'report') return;
    this.name = name;
    this.copyFiles = copyFiles;
  }

  async inspect(path: string, options: InspectOptions = {}): Promise<void> {
    this.#restart('inspecting');
    this.path = path;
    const attempt = this.#attempt;
    try {
      const report = await this.#api.call('dataset.inspect', { path, ...options });
      if (attempt !== this.#attempt) return;
      this.report = report;
      this.name = report.suggestedName;
      this.stage = 'report';
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.error = error;
      this.stage = 'choosing';
    }
  }

  /** Starts the job and goes on to what else was dropped, or closes; the job's progress shows on the data screen and in the status bar. */
  async start(): Promise<void> {
    const format = this.report?.format;
    if (!this.ready || format == null) return;
    this.stage = 'starting';
    this.error = null;
    try {
      await this.#jobs.import({
        path: this.path,
        format,
        labelSource: this.report?.labelSource ?? null,
        name: this.name.trim(),
        copyFiles: this.copyFiles,
      });
      this.next();
    } catch (error) {
      this.error = error;
      this.stage = 'report';
    }
  }

  #forgetDrop(): void {
    this.drop = { paths: [], place: 0 };
  }

  #restart(stage: ImportStage): void {
    this.#attempt += 1;
    this.stage = stage;
    this.path = '';
    this.name = '';
    this.report = null;
    this.error = null;
    this.dropRefused = false;
    this.copyFiles = false;
  }
}
