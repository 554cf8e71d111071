/**
 * Entry of the import worker: a thread for work that would hold up the main one. It reads and checks data sets, writes
 * packs and exports, and answers questions about whole data sets; rows and everything visible are the store's owner's.
 * One thread does one task.
 */
import { answerQuestion } from '../library/answers.ts';
import type { TellProgress } from '../library/library-reader.ts';
import { writeSample } from '../sample/write-sample.ts';
import { performTask, type ThreadPort } from '../thread-task.ts';
import { listWeights } from '../weights/list-weights.ts';
import type { ImportMessage, ImportTask } from './messages.ts';
import { inspectDataset, readIntoProject } from './read-dataset.ts';

type Post = ThreadPort<ImportMessage>['post'];

async function perform(task: ImportTask, { post }: ThreadPort<ImportMessage>): Promise<void> {
  switch (task.kind) {
    case 'inspect':
      return post({ kind: 'report', report: await inspectDataset(task) });
    case 'import':
      return readIntoProject(task, post);
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

/** What a question tells is passed on twenty times a second at most; each time the thread may be asked to stop. */
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

await performTask(perform);
