/**
 * One call from any host, from raw message to envelope: the name must be in the contract, the request must fit its
 * schema, and whatever the handler throws becomes data. Nothing unchecked reaches a handler.
 */
import * as v from 'valibot';
import { FoveaError, toErrorData, type Envelope } from '../contract/errors.ts';
import { calls, type CallName, type Handlers } from '../contract/ipc.ts';

const longestQuote = 80;

/** Never rejects. Unknown keys of the request are dropped, as the schemas say. */
export async function dispatch(handlers: Handlers, name: unknown, request: unknown): Promise<Envelope<unknown>> {
  try {
    const call = knownCall(name);
    const checked = checkedRequest(call, request);
    const handler = handlers[call] as (request: unknown) => Promise<unknown>;
    return { ok: true, value: await handler(checked) };
  } catch (error) {
    const data = toErrorData(error);
    // The stack does not cross the bridge, and a broken invariant cannot be found without it.
    if (data.code === 'internal') console.error(error);
    return { ok: false, error: data };
  }
}

function knownCall(name: unknown): CallName {
  if (typeof name === 'string' && Object.hasOwn(calls, name)) return name as CallName;
  const quoted = typeof name === 'string' ? quote(name) : typeof name;
  throw new FoveaError('invalid-request', `There is no call named ${quoted}.`, { call: quoted });
}

function checkedRequest(call: CallName, request: unknown): unknown {
  const schema: v.GenericSchema = calls[call].request;
  const result = v.safeParse(schema, request, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? 'request';
  const got = quote(issue.received);
  const expected = issue.expected ?? issue.type.replaceAll('_', ' '); // a check such as "uuid" has only its name
  const message = `${call}: ${path}: expected ${expected}, got ${got}`;
  throw new FoveaError('invalid-request', message, { call, path, expected, got });
}

function quote(text: string): string {
  return text.length <= longestQuote ? text : `${text.slice(0, longestQuote)}…`;
}
