/** Catches the FoveaError that an action must throw. */
import { FoveaError } from '../../src-main/contract/errors.ts';

export function errorOf(action: () => unknown): FoveaError {
  try {
    action();
  } catch (error) {
    return requireFoveaError(error);
  }
  throw new Error('expected a FoveaError, but nothing was thrown');
}

export async function rejectionOf(action: Promise<unknown>): Promise<FoveaError> {
  try {
    await action;
  } catch (error) {
    return requireFoveaError(error);
  }
  throw new Error('expected a FoveaError, but nothing was thrown');
}

function requireFoveaError(error: unknown): FoveaError {
  if (error instanceof FoveaError) return error;
  throw new Error(`expected a FoveaError, got ${String(error)}`, { cause: error });
}
