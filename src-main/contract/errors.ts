/**
 * Error codes, the one error class that crosses rooms, and the envelope that carries results over the bridge.
 * Pure: knows neither hosts nor the database.
 */

export const errorCodes = [
  'invalid-request', // a message that fails its schema
  'not-found', // the thing named by an id or a path does not exist
  'already-exists',
  'bad-input', // a file or folder of the person's that cannot be used; context names file and offset
  'unsupported', // known, but not by this version; the message lists what is supported
  'io', // the operating system refused (disk full, permission)
  'network',
  'newer-schema', // database written by a later version
  'busy', // the action conflicts with one in progress
  'out-of-memory', // of the machine or of the device; the message says what to lower
  'device-failed', // a GPU or its driver stopped in the middle of a run; context holds the provider's own words
  'process-died', // a child process ended without saying goodbye
  'cancelled', // used only to unwind; over the bridge cancelling is an outcome
  'internal', // a broken invariant of ours; the message starts with "internal:"
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** Facts that locate the failure: file, offset, node, axis, expected, got … */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null>>;

export class FoveaError extends Error {
  readonly code: ErrorCode;
  readonly context: ErrorContext;
  constructor(code: ErrorCode, message: string, context: ErrorContext = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FoveaError';
    this.code = code;
    this.context = context;
  }
}

export interface ErrorData {
  code: ErrorCode;
  message: string;
  context: ErrorContext;
}
export type Envelope<T> = { ok: true; value: T } | { ok: false; error: ErrorData };

/** Any thrown value as data that survives a process boundary. An unknown error becomes `internal`, with its message. */
export function toErrorData(error: unknown): ErrorData {
  if (error instanceof FoveaError) return { code: error.code, message: error.message, context: error.context };
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: message.startsWith('internal:') ? message : `internal: ${message}`, context: {} };
}

export function fromErrorData(data: ErrorData): FoveaError {
  return new FoveaError(data.code, data.message, data.context);
}

/** "internal:" errors for states that our own code must never reach. */
export function invariant(condition: unknown, message: string, context: ErrorContext = {}): asserts condition {
  if (!condition) throw new FoveaError('internal', `internal: ${message}`, context);
}

/** For `catch`: `instead`, where what was asked for is not there. Any other error goes on. */
export const whereMissing =
  <T>(instead: T) =>
  (error: unknown): T => {
    if (error instanceof FoveaError && error.code === 'not-found') return instead;
    throw error;
  };
