/** `npm run lint`: rules of the code, of its imports, dead code, and format. */
import { checks, runChecks } from '../checks.mjs';

export async function main() {
  const { failed } = await runChecks(checks.filter(({ kind }) => kind === 'lint'));
  return failed === 0 ? 0 : 1;
}
