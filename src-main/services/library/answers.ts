/** Runs in the worker: opens the database for reading and answers one question. */
import { openReader } from '../../store/project-store.ts';
import { exportDataset, reportExport } from '../export/export-dataset.ts';
import { findDuplicates } from './duplicates.ts';
import { takeFingerprints } from './fingerprints.ts';
import { describeHealth } from './health.ts';
import type { LibraryReader, TellProgress } from './library-reader.ts';
import type { LibraryTask, PartOf, Question, Questions } from './questions.ts';
import { sketchLabels } from './sketch-labels.ts';
import { compareStates, freezeState } from './versions.ts';

type Answerer<Q extends Question> = (
  library: LibraryReader,
  ask: Questions[Q]['ask'],
  tell: TellProgress,
  emit: (part: PartOf<Q>) => void,
) => Promise<Questions[Q]['answer']>;

const answerers: { [Q in Question]: Answerer<Q> } = {
  'export-report': reportExport,
  export: exportDataset,
  fingerprints: takeFingerprints,
  duplicates: findDuplicates,
  freeze: freezeState,
  'compare-states': compareStates,
  health: describeHealth,
  sketches: sketchLabels,
  'deleted-labels': async ({ store }, { offset, limit }) => store.deletedLabels.lines(offset, limit),
  'deleted-line': async ({ store }, { key }, _tell, emit) => {
    for (const line of store.deletedLabels.line(key)) emit(line);
    return null;
  },
};

export async function answerQuestion(
  { question, database, folder, ask }: LibraryTask,
  tell: TellProgress,
  emit: (part: unknown) => void,
): Promise<unknown> {
  const store = openReader(database);
  try {
    // One record joins question and answerer, which the compiler cannot follow through the union.
    return await (answerers[question] as Answerer<Question>)({ store, folder }, ask, tell, emit);
  } finally {
    store.close();
  }
}
