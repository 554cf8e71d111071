/**
 * Keeps two training processes out of one run's folder: when the app dies, its training process still writes a last
 * checkpoint, and a person may resume the run before that is done. A lock counts while its process lives and renews it,
 * so neither a crash nor a process number used again locks a folder for ever.
 */
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FoveaError } from '../contract/errors.ts';

export interface FolderLock {
  release(): Promise<void>;
}

export interface FolderLockTimes {
  renewEveryMs: number;
  staleAfterMs: number;
  waitAtMostMs: number;
}
const usualTimes: FolderLockTimes = { renewEveryMs: 10_000, staleAfterMs: 120_000, waitAtMostMs: 60_000 };
const retryEveryMs = 200;

/** Waits for another holder to end. Throws FoveaError `busy` where it does not within `waitAtMostMs`. */
export async function acquireFolderLock(file: string, times: FolderLockTimes = usualTimes): Promise<FolderLock> {
  const deadline = performance.now() + times.waitAtMostMs;
  while (!(await tryToCreate(file))) {
    const holder = await livingHolder(file, times.staleAfterMs);
    if (holder === null) await rm(file, { force: true });
    else if (performance.now() > deadline) throw stillHeld(file, holder);
    else await sleep(retryEveryMs);
  }
  const renewal = setInterval(() => {
    // Where renewing fails, the folder is gone or full, and the next write of the run says so with its reason.
    utimes(file, new Date(), new Date()).catch(() => undefined);
  }, times.renewEveryMs);
  renewal.unref();
  return {
    async release() {
      clearInterval(renewal);
      await rm(file, { force: true });
    },
  };
}

async function tryToCreate(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** The process that holds the lock, or null where the lock is stale or just gone. */
async function livingHolder(file: string, staleAfterMs: number): Promise<number | null> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const holder = Number.parseInt(text, 10);
    const renewed = Date.now() - mtimeMs < staleAfterMs;
    // An empty file: its maker is between creating and writing it.
    if (Number.isNaN(holder)) return renewed ? 0 : null;
    return renewed && holder !== process.pid && isAlive(holder) ? holder : null;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

function stillHeld(file: string, holder: number): FoveaError {
  return new FoveaError(
    'busy',
    `Another process (${holder}) still trains in this run's folder. Wait for it to end, or end it; if there is no such ` +
      `process, delete ${file}.`,
    { file, processId: holder },
  );
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
