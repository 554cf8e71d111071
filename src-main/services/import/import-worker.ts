/**
 * Entry of the import worker: a thread for work that would hold up the main one. It reads and checks data sets, writes
 * packs and exports, answers questions about whole data sets, and checkpoints databases; rows and everything visible are
 * the store's owner's. One thread does one task, and loads only what that task needs: most are short.
 */
import type { TellProgress } from '../library/library-reader.ts';
import { performTask, type ThreadPort } from '../thread-task.ts';
import type { ImportMessage, ImportTask } from './messages.ts';

type Post = ThreadPort<ImportMessage>['post'];

async function perform(task: ImportTask, { post }: ThreadPort<ImportMessage>): Promise<void> {
  switch (task.kind) {
    case 'inspect': {
      const { inspectDataset } = await import('./read-dataset.ts');
      return post({ kind: 'report', report: await inspectDataset(task) });
    }
    case 'import': {
      const { readIntoProject } = await import('./read-dataset.ts');
      return readIntoProject(task, post);
    }
    case 'draw-sample': {
      const { writeSample } = await import('../sample/write-sample.ts');
      return writeSample(task.path, task.set, (done, total) =>
        post({ kind: 'progress', step: 'Drawing images', done, total }),
      );
    }
    case 'library': {
      const { answerQuestion } = await import('../library/answers.ts');
      const emit = (part: unknown): void => post({ kind: 'part', part });
      return post({ kind: 'answer', answer: await answerQuestion(task, tellProgress(post), emit) });
    }
    case 'inspect-weights': {
      const { listWeights } = await import('../weights/list-weights.ts');
      return post({ kind: 'weights', listing: await listWeights(task.path) });
    }
    case 'checkpoint': {
      const { checkpointDatabase } = await import('../../store/checkpoint.ts');
      return checkpointDatabase(task.file);
    }
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
