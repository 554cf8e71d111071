/**
 * Images that a run learns from and is measured by at once: said before it starts, as far as the data set's images were
 * looked at. Looking for doubles takes a worker process a moment, so an answer is kept until the images change.
 */
import { isLeak, type DuplicateReport } from '../../contract/model/splits.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { askLibrary } from '../library/ask-library.ts';
import type { OpenProject } from '../open-projects.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import { count, warning, type Finding } from './findings.ts';

export class LeakChecks {
  readonly #workers: WorkerPool;
  /** By data set, with the state of its images that they are of. */
  readonly #reports = new Map<string, { state: string; report: Promise<DuplicateReport> }>();

  constructor(workers: WorkerPool) {
    this.#workers = workers;
  }

  /** Never rejects: a run can start without it. */
  async check(opened: OpenProject, { data }: Pick<RunConfig, 'data'>): Promise<Finding[]> {
    const { trainSplit, evaluationSplit, datasetId } = data;
    if (trainSplit === evaluationSplit) return [];
    try {
      const report = await this.#report(opened, datasetId);
      const leaks = report?.groups.filter(isLeak) ?? [];
      const leaked = leaks.flatMap(({ images }) => {
        const isLearned = images.some(({ split }) => split === trainSplit);
        return isLearned ? images.filter(({ split }) => split === evaluationSplit) : [];
      });
      if (leaked.length === 0) return [];
      const what = `${count(leaked.length, 'image')} of the split “${evaluationSplit}” ${leaked.length === 1 ? 'is' : 'are'} in the split “${trainSplit}” too, or look${leaked.length === 1 ? 's' : ''} like one there`;
      return [
        warning(
          `${what}: the run will seem better than it is. See the leaks on the data set's Health page.`,
          'data.evaluationSplit',
        ),
      ];
    } catch {
      return [];
    }
  }

  /** Null where nobody has looked at the images yet. */
  async #report(opened: OpenProject, datasetId: RunConfig['data']['datasetId']): Promise<DuplicateReport | null> {
    const { store, project } = opened;
    const looked = store.library.fingerprintCount(datasetId);
    if (looked === 0) return null;
    const key = `${project.projectId}/${datasetId}`;
    const state = JSON.stringify([looked, store.datasets.get(datasetId).splitCounts]);
    const kept = this.#reports.get(key);
    if (kept?.state === state) return kept.report;
    const report = askLibrary(opened, this.#workers, 'duplicates', { datasetId });
    this.#reports.set(key, { state, report });
    report.catch(() => this.#reports.delete(key));
    return report;
  }
}
