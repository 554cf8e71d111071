/** Asks a question of a project's library in a worker process. */
import { invariant } from '../../contract/errors.ts';
import { runImportWorker } from '../import/run-worker.ts';
import type { JobProgress } from '../jobs.ts';
import type { OpenProject } from '../open-projects.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import type { LibraryTask, PartOf, Question, Questions } from './questions.ts';

interface AskOptions<Q extends Question> {
  report?: (progress: JobProgress) => void;
  signal?: AbortSignal | null;
  take?: (part: PartOf<Q>) => void;
}

/** Rejects with the FoveaError of what is wrong, or with the signal's reason. */
export async function askLibrary<Q extends Question>(
  { store, folder }: OpenProject,
  workers: WorkerPool,
  question: Q,
  ask: Questions[Q]['ask'],
  { report, signal = null, take }: AskOptions<Q> = {},
): Promise<Questions[Q]['answer']> {
  const task = { kind: 'library', question, database: store.database.name, folder, ask } as LibraryTask;
  const answers: Questions[Q]['answer'][] = [];
  await runImportWorker(workers, task, signal, (message) => {
    if (message.kind === 'progress') report?.(message);
    else if (message.kind === 'part') take?.(message.part as PartOf<Q>);
    else if (message.kind === 'answer') answers.push(message.answer as Questions[Q]['answer']);
  });
  invariant(answers.length === 1, `the question “${question}” was not answered`);
  return answers[0] as Questions[Q]['answer'];
}
