/**
 * Which room may import which: the one table that .dependency-cruiser.cjs (for .ts and .mjs) and .eslint.config.mjs (for
 * .svelte) both enforce. A type-only import counts. Every room may import itself; a folder that no table names may be
 * imported by nobody but the composition root.
 */

/** Below src-main/. */
const mainRooms = {
  contract: [],
  engine: ['contract'],
  formats: ['contract'],
  store: ['contract'],
  processes: [],
  services: ['engine', 'formats', 'store', 'contract', 'processes', 'training-process/messages.ts'],
  'training-process': ['engine', 'contract', 'processes'],
  hosts: ['services', 'contract', 'processes', 'training-process/messages.ts', 'index.ts'],
  setup: [],
};

/** Below src-main/engine/, from left to right: the right may import the left, never back, nor its neighbour in a pair. */
const engineOrder = [
  'onnx',
  'weights',
  'graph',
  ['ops', 'runtime'],
  ['autodiff', 'passes'],
  'tuner',
  'nn',
  'zoo',
  'train',
];
/** Import no other folder of the engine; all others may import them. */
const engineLeaves = ['metrics', 'data'];

/** Below src-renderer/; `contract` is the one of src-main. Files at the top (main.ts, App.svelte) may import all rooms. */
const rendererRooms = {
  api: ['contract'],
  state: ['api', 'canvas', 'contract'],
  canvas: ['contract'],
  'canvas-konva': ['canvas', 'contract'],
  ui: ['state', 'contract'],
  charts: ['ui', 'state', 'contract'],
  features: ['api', 'state', 'canvas', 'canvas-konva', 'charts', 'ui', 'contract'],
};

/** The bridge itself, which only api/ uses; everyone else goes through its client. */
const bridgeFiles = [
  'src-renderer/api/bridge.ts',
  'src-renderer/api/open-bridge.ts',
  'src-renderer/api/socket-bridge.ts',
  'src-main/contract/bridge.ts',
];

/** npm packages that one folder alone may import. */
const packageOwners = {
  electron: 'src-main/hosts/electron',
  'better-sqlite3': 'src-main/store',
  'onnxruntime-node': 'src-main/engine/runtime',
  konva: 'src-renderer/canvas-konva',
};

/** The only npm packages that the contract may import. */
const contractPackages = ['valibot', '@msgpack/msgpack'];

module.exports = { mainRooms, engineOrder, engineLeaves, rendererRooms, bridgeFiles, packageOwners, contractPackages };
