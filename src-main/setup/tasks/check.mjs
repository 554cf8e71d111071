/** `npm run check`: the types of main, tests, set-up and renderer. */
import { checks, runChecks } from '../checks.mjs';

export async function main() {
  const { failed } = await runChecks(checks.filter(({ kind }) => kind === 'types'));
  return failed === 0 ? 0 : 1;
}
