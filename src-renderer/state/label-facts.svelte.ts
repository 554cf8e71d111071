/** What the labels of the planned data are, read once for each data set and split until labels change. */
import type { Api } from '../api/client.svelte.ts';
import type { Split } from '../../src-main/contract/model/dataset.ts';
import type { DatasetId, ProjectId } from '../../src-main/contract/model/ids.ts';
import type { LabelStatistics } from '../../src-main/contract/model/label-statistics.ts';
import type { TrainedClass } from '../../src-main/contract/model/trained-classes.ts';

export class LabelFacts {
  readonly #api: Api;
  readonly #projectId: ProjectId;
  /** Null until they are read, or where they could not be. */
  statistics = $state.raw<LabelStatistics | null>(null);
  #asked = '';
  /** Of what was asked last; null: ask anew. */
  #reading: Promise<LabelStatistics | null> | null = null;

  constructor(api: Api, projectId: ProjectId) {
    this.#api = api;
    this.#projectId = projectId;
  }

  /** Answers with them too; null where they could not be read, which the checks of the run say better. */
  follow(datasetId: DatasetId, split: Split): Promise<LabelStatistics | null> {
    const asked = `${datasetId} ${split}`;
    if (asked !== this.#asked) {
      this.#asked = asked;
      this.#reading = null;
      this.statistics = null;
    }
    return (this.#reading ??= this.#read(asked, datasetId, split));
  }

  async #read(asked: string, datasetId: DatasetId, split: Split): Promise<LabelStatistics | null> {
    let found: LabelStatistics | null = null;
    try {
      found = await this.#api.call('run.labels', { projectId: this.#projectId, datasetId, split });
    } catch {
      // Without them no task is suggested and no weight; nothing else depends on it.
    }
    if (asked !== this.#asked) return found;
    this.statistics = found;
    if (found === null) this.#reading = null;
    return found;
  }

  /** Labels have changed: whoever asks next gets them anew. What was read stays until then. */
  forget(): void {
    this.#reading = null;
  }
}

/** Of all pixels, the share of each class; what no label covers is the background's. By the labels' areas. */
export function pixelShares({ classes, imageArea }: LabelStatistics, trained: readonly TrainedClass[]): number[] {
  const areaOf = ({ categoryId }: TrainedClass): number =>
    classes.find((known) => known.categoryId === categoryId)?.area ?? 0;
  const covered = trained.reduce((sum, each) => sum + areaOf(each), 0);
  const whole = Math.max(imageArea, covered);
  if (whole === 0) return trained.map(() => 0);
  return trained.map((each) => (each.categoryId === null ? whole - covered : areaOf(each)) / whole);
}
