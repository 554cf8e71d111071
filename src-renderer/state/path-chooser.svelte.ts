/**
 * Asks the person for a path: with the system's dialog where the host has one, else with our own folder browser, which
 * shows `question` and answers it.
 */
import type { Api } from '../api/client.svelte.ts';
import type { Capabilities, FolderListing } from '../../src-main/contract/calls/app.ts';

export type PathKind = 'folder' | 'file' | 'file-or-folder';

export interface PathQuestion {
  title: string;
  kind: PathKind;
  /** Null when the person changes their mind. */
  answer(path: string | null): void;
}

export class PathChooser {
  readonly #api: Api;
  /** Set while our own folder browser is wanted. */
  question = $state.raw<PathQuestion | null>(null);

  constructor(api: Api) {
    this.#api = api;
  }

  /** Null when the person changes their mind. */
  choose(title: string, kind: PathKind, capabilities: Capabilities): Promise<string | null> {
    if (capabilities.nativeDialogs) return this.#api.call('dialog.choosePath', { title, kind });
    this.question?.answer(null);
    return new Promise((resolve) => {
      this.question = {
        title,
        kind,
        answer: (path) => {
          this.question = null;
          resolve(path);
        },
      };
    });
  }

  /** What is in a folder; the person's home where `path` is null. */
  list(path: string | null, includeFiles: boolean): Promise<FolderListing> {
    return this.#api.call('files.list', { path, includeFiles });
  }
}
