/** `npm run build`: builds the app into out/, where its sources have changed. */
import { ensureBuilt } from '../build.mjs';
import { say } from '../say.mjs';

export async function main() {
  await ensureBuilt();
  say('The app is built, in out/.');
  return 0;
}
