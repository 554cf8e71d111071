/** What SQLite refuses reaches a person in words, whichever call it was that met it. */
import type { Handlers } from '../contract/ipc.ts';
import { explainSqliteError } from '../store/sqlite-errors.ts';

export function withExplainedErrors(handlers: Handlers): Handlers {
  const explained = Object.entries(handlers).map(([name, handler]) => {
    const call = handler as (request: unknown) => Promise<unknown>;
    return [
      name,
      async (request: unknown) => {
        try {
          return await call(request);
        } catch (error) {
          throw explainSqliteError('The project’s database', error);
        }
      },
    ];
  });
  return Object.fromEntries(explained) as Handlers;
}
