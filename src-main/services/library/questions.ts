/**
 * What can be asked of a library in a worker process, which reads the project's database beside the store's owner and
 * writes no row: exports, and everything that looks at a whole data set. A new question is one entry here and one line in
 * `answers.ts`.
 */
import type { LabelSketch } from '../../contract/model/annotation.ts';
import type { ExportReport } from '../../contract/model/dataset-export.ts';
import type {
  DatasetHealth,
  DeletedLabelsItem,
  DeletedLabelsKey,
  VersionComparison,
} from '../../contract/model/library.ts';
import type { DuplicateReport } from '../../contract/model/splits.ts';
import type { DeletedLine } from '../../store/deleted-labels.ts';
import type { Fingerprint } from '../../store/library-repository.ts';
import type { ExportAsk, ExportReportAsk } from '../export/export-dataset.ts';
import type { FingerprintAsk } from './fingerprints.ts';
import type { HealthAsk } from './health.ts';
import type { SketchAsk } from './sketch-labels.ts';
import type { CompareAsk, FreezeAsk, FrozenState } from './versions.ts';

export interface Questions {
  'export-report': { ask: ExportReportAsk; answer: ExportReport };
  export: { ask: ExportAsk; answer: null };
  /** Parts: fingerprints to be saved. */
  fingerprints: { ask: FingerprintAsk; answer: { taken: number; unreadable: number }; part: Fingerprint[] };
  duplicates: { ask: FingerprintAsk; answer: DuplicateReport };
  freeze: { ask: FreezeAsk; answer: FrozenState };
  'compare-states': { ask: CompareAsk; answer: VersionComparison };
  health: { ask: HealthAsk; answer: DatasetHealth };
  sketches: { ask: SketchAsk; answer: LabelSketch[] };
  /** Lines of the trash. */
  'deleted-labels': { ask: { offset: number; limit: number }; answer: { total: number; items: DeletedLabelsItem[] } };
  /** Parts: what a line stands for, or each of them with null; none where it is not in the trash any more. */
  'deleted-line': { ask: { key: DeletedLabelsKey | null }; answer: null; part: DeletedLine };
}

export type Question = keyof Questions;

/** What is sent before the answer; nothing for most questions. */
export type PartOf<Q extends Question> = Questions[Q] extends { part: infer Part } ? Part : never;

export type LibraryTask = {
  [Q in Question]: {
    kind: 'library';
    question: Q;
    /** The project's database file and folder. */
    database: string;
    folder: string;
    ask: Questions[Q]['ask'];
  };
}[Question];
