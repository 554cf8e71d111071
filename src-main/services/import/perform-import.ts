/** The worker process's work on data sets and files of weights: reading and checking, packs, exports, questions. */
import { answerQuestion } from '../library/answers.ts';
import type { TellProgress } from '../library/library-reader.ts';
import { writeSample } from '../sample/write-sample.ts';
import { listWeights } from '../weights/list-weights.ts';
import type { TaskPort } from '../workers/task-port.ts';
import type { ImportMessage, ImportTask } from './messages.ts';
import { inspectDataset, readIntoProject } from './read-dataset.ts';

type Post = TaskPort<ImportMessage>['post'];

export async function performImport(task: ImportTask, port: TaskPort<ImportMessage>): Promise<void> {
  const { post } = port;
  switch (task.kind) {
    case 'inspect':
      return post({ kind: 'report', report: await inspectDataset(task, port.throwIfStopped) });
    case 'import':
      return readIntoProject(task, port);
    case 'draw-sample':
      return writeSample(task.path, task.set, (done, total) =>
        post({ kind: 'progress', step: 'Drawing images', done, total }),
      );
    case 'library': {
      const emit = (part: unknown): void => post({ kind: 'part', part });
      return post({ kind: 'answer', answer: await answerQuestion(task, tellProgress(post), emit) });
    }
    case 'inspect-weights':
      return post({ kind: 'weights', listing: await listWeights(task.path) });
  }
}

/** What a question tells is passed on twenty times a second at most; each time it may be asked to stop. */
function tellProgress(post: Post): TellProgress {
  let [toldMs, step, done] = [0, '', 0];
  let total: number | null = null;
  return (progress) => {
    ({ step = step, done = done, total = total } = progress);
    const now = performance.now();
    if (now - toldMs < 50 && done !== total) return;
    toldMs = now;
    post({ kind: 'progress', ...progress, step, done, total });
  };
}
