/**
 * `npm start`: opens the app in Electron. Where there is no display or no Electron it says so and serves the app to a
 * browser instead. `npm start -- --electron=npm-repack` uses the repacked Electron, for a person who asks for it.
 */
import { ensureBuilt } from '../build.mjs';
import { run } from '../child.mjs';
import { ensureDebianPackages, forElectron } from '../debian.mjs';
import { electronFlags, findElectron, sandboxProblem } from '../electron.mjs';
import { root } from '../paths.mjs';
import { say, sayProblem, SetupProblem } from '../say.mjs';
import { main as serve } from './serve.mjs';

const repackOption = '--electron=npm-repack';

/** @param {readonly string[]} args */
export async function main(args) {
  const appArguments = args.filter((argument) => argument !== repackOption);
  if (!hasDisplay()) {
    say('There is no display here, so the app is served to a browser.');
    return await serve(appArguments);
  }
  const electron = await electronOrReason(args.includes(repackOption));
  if (electron instanceof SetupProblem) {
    sayProblem(electron);
    say('Until then the app is served to a browser.');
    return await serve(appArguments);
  }
  await ensureBuilt();
  return await run(electron.executable, [...electronFlags(), root, ...appArguments], {
    env: electronEnvironment(electron),
  });
}

function hasDisplay() {
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** @param {boolean} repackWanted */
async function electronOrReason(repackWanted) {
  try {
    await ensureDebianPackages(forElectron);
  } catch (error) {
    if (error instanceof SetupProblem) return error;
    throw error;
  }
  const search = await findElectron({ npmRepack: repackWanted ? 'only' : 'never' });
  if (!search.found) return new SetupProblem(search.reason, search.mend);
  const sandbox = sandboxProblem(search.found);
  return sandbox ? new SetupProblem(sandbox.reason, sandbox.mend) : search.found;
}

/** @param {import('../electron.mjs').ElectronBinary} electron */
function electronEnvironment({ distFolder }) {
  const { ELECTRON_RUN_AS_NODE: _setByEditorsWithTerminals, ...env } = process.env;
  return { ...env, ELECTRON_OVERRIDE_DIST_PATH: distFolder };
}
