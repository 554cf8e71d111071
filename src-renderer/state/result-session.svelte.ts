/** The results of one run while its screen is open, by its task; made when they are first looked at. */
import type { Api } from '../api/client.svelte.ts';
import type { ImageId, ProjectId, RunId } from '../../src-main/contract/model/ids.ts';
import type { ConfusionMatrix, Task } from '../../src-main/contract/model/run.ts';
import { taskDefinitions } from '../../src-main/contract/model/tasks.ts';
import { DetectionResults } from './detection-results.svelte.ts';
import { PredictionBrowser } from './prediction-browser.svelte.ts';
import { SegmentationResults } from './segmentation-results.svelte.ts';

/** Places in the matrix's classes. */
export interface ConfusionCell {
  groundTruth: number;
  predicted: number;
}

/** Leads from one cell of a confusion matrix to its images. */
type ShowCell = (matrix: ConfusionMatrix, cell: ConfusionCell) => void;

export class ResultSession {
  readonly classification: PredictionBrowser;
  readonly segmentation: SegmentationResults;
  readonly detection: DetectionResults;
  readonly showCell: Readonly<Record<Task, ShowCell>> = {
    classification: ({ classes }, { groundTruth, predicted }) => {
      const [truth, called] = [classes[groundTruth]?.categoryId, classes[predicted]?.categoryId];
      if (truth != null && called != null) this.classification.showMixUp(truth, called);
    },
    segmentation: (_matrix, { groundTruth, predicted }) =>
      this.segmentation.showCell({ truth: groundTruth, predicted }),
    detection: (_matrix, { groundTruth, predicted }) => this.detection.showCell({ truth: groundTruth, predicted }),
    'instance-segmentation': (_matrix, { groundTruth, predicted }) =>
      this.detection.showCell({ truth: groundTruth, predicted }),
    pose: (_matrix, { groundTruth, predicted }) => this.detection.showCell({ truth: groundTruth, predicted }),
  };

  constructor(api: Api, projectId: ProjectId, runId: RunId) {
    this.classification = new PredictionBrowser(api, projectId, runId);
    this.segmentation = new SegmentationResults(api, projectId, runId);
    this.detection = new DetectionResults(api, projectId, runId);
  }

  /** The image that is looked at. */
  selected(task: Task): ImageId | null {
    const { answer } = taskDefinitions[task];
    if (answer === 'class') return this.classification.selection?.imageId ?? null;
    return answer === 'pixels' ? this.segmentation.selected : this.detection.selected;
  }

  /** A past epoch; null for the latest. */
  goTo(epoch: number | null): void {
    for (const results of [this.classification, this.segmentation, this.detection]) results.goTo(epoch);
  }
}
