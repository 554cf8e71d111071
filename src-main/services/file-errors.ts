/** Puts what the operating system refused into words: what happened, to which file, why, what to do now. */
import { FoveaError } from '../contract/errors.ts';

/** The system's code of an error ("ENOSPC"), or null where it is not one of the system's. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** `action` completes "Could not …": "write the pack". A FoveaError is returned as it is. */
export function fileError(error: unknown, action: string, file: string): FoveaError {
  if (error instanceof FoveaError) return error;
  const code = systemCode(error);
  const kind = code === 'ENOENT' || code === 'ENOTDIR' ? 'not-found' : 'io';
  return new FoveaError(
    kind,
    `Could not ${action}: ${file}: ${reason(code, error)}`,
    { file, system: code },
    { cause: error },
  );
}

function reason(code: string | null, error: unknown): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full. Free some space and try again.';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied. Choose another place, or change the permissions.';
    case 'EROFS':
      return 'the disk is read-only. Choose another place.';
    case 'ENOENT':
    case 'ENOTDIR':
      return 'it does not exist. Check the path.';
    case 'EMFILE':
      return 'too many files are open. Close other programs and try again.';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
