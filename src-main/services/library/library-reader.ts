/** What a question is answered from: the project's rows, for reading, and its folder. */
import type { ProjectReader } from '../../store/project-store.ts';
import type { JobProgress } from '../jobs.ts';

export interface LibraryReader {
  readonly store: ProjectReader;
  readonly folder: string;
}

/** Also where the work ends when it is to be stopped: it throws then. */
export type TellProgress = (progress: JobProgress) => void;
