/** Entry of the thread that moves a project's write-ahead log into its database. It is started often, and loads little. */
import { checkpointDatabase } from '../store/checkpoint.ts';
import type { CheckpointTask } from './checkpoints.ts';
import { performTask } from './thread-task.ts';

await performTask(async ({ file }: CheckpointTask) => checkpointDatabase(file));
