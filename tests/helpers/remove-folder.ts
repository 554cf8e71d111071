/** Removes a test's folder, in which a process that was just told to stop may still finish a file. */
import { rm } from 'node:fs/promises';

export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
