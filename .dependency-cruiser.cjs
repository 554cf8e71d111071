/** Import rules of .ts and .mjs files, made from the table in .rooms.cjs. Svelte files: see .eslint.config.mjs. */
const {
  mainRooms,
  engineOrder,
  engineLeaves,
  rendererRooms,
  bridgeFiles,
  packageOwners,
  contractPackages,
} = require('./.rooms.cjs');

const escape = (text) => text.replace(/[.]/g, '\\.');
const anyOf = (names) => names.map((name) => escape(name)).join('|');
const packagePaths = (name) =>
  ['^', '(^|/)node_modules/', '(^|/)node_modules/@types/'].map((start) => `${start}${escape(name)}(/|$)`);

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const mainRules = Object.entries(mainRooms).map(([room, allowed]) =>
  rule(
    `main-${room}`,
    `${room} may import ${allowed.join(', ') || 'no other room'}.`,
    { path: `^src-main/${room}/` },
    { path: '^src-(main|renderer)/', pathNot: `^src-main/(${anyOf([room, ...allowed])})(/|$)` },
  ),
);

const engineFolders = [...engineOrder.flat(), ...engineLeaves];
const engineRules = engineFolders.map((folder) => {
  const position = engineOrder.findIndex((step) => [step].flat().includes(folder));
  const allowed = engineLeaves.includes(folder) ? [] : [...engineOrder.slice(0, position).flat(), ...engineLeaves];
  return rule(
    `engine-${folder}`,
    `In the engine, ${folder} may import ${allowed.join(', ') || 'no other folder'}.`,
    { path: `^src-main/engine/${folder}/` },
    { path: '^src-main/engine/', pathNot: `^src-main/engine/(${anyOf([folder, ...allowed])})/` },
  );
});

const rendererRules = Object.entries(rendererRooms).map(([room, allowed]) => {
  const own = [room, ...allowed.filter((name) => name !== 'contract')];
  return rule(
    `renderer-${room}`,
    `In the renderer, ${room} may import ${allowed.join(', ')}.`,
    { path: `^src-renderer/${room}/` },
    { path: '^src-(main|renderer)/', pathNot: [`^src-renderer/(${anyOf(own)})/`, '^src-main/contract/'] },
  );
});

const packageRules = Object.entries(packageOwners).map(([name, owner]) =>
  rule(
    `only-${owner.split('/').at(-1)}-imports-${name}`,
    `${name} belongs to ${owner} alone.`,
    { path: '^src-', pathNot: `^${owner}/` },
    { path: packagePaths(name) },
  ),
);

module.exports = {
  forbidden: [
    ...mainRules,
    ...engineRules,
    ...rendererRules,
    ...packageRules,
    rule(
      'contract-is-pure',
      `The contract runs on both sides: no Node, no npm package but ${contractPackages.join(', ')}.`,
      { path: '^src-main/contract/' },
      { dependencyTypesNot: ['local'], pathNot: contractPackages.flatMap(packagePaths) },
    ),
    rule(
      'setup-needs-nothing',
      'The set-up runs before anything is installed.',
      { path: '^src-main/setup/' },
      { dependencyTypesNot: ['core', 'local'] },
    ),
    rule(
      'renderer-is-a-web-page',
      'The renderer has no Node, and of src-main only the contract.',
      { path: '^src-renderer/' },
      { path: '^src-main/', pathNot: '^src-main/contract/' },
    ),
    rule(
      'renderer-has-no-node',
      'The renderer has no Node.',
      { path: '^src-renderer/' },
      { dependencyTypes: ['core'] },
    ),
    rule(
      'only-api-uses-the-bridge',
      'Everyone else goes through the client in src-renderer/api/.',
      { path: '^src-renderer/', pathNot: '^src-renderer/api/' },
      { path: bridgeFiles.map((file) => `^${escape(file)}$`) },
    ),
    rule(
      'main-does-not-know-the-renderer',
      'src-main is built without src-renderer.',
      { path: '^src-main/' },
      { path: '^src-renderer/' },
    ),
    rule('nothing-imports-tests', 'Tests import the app, never back.', { path: '^src-' }, { path: '^tests/' }),
    rule('no-unresolvable', 'The import leads nowhere.', {}, { couldNotResolve: true }),
    rule(
      'no-cycles',
      'Two modules that need each other at run time are one module, or need a third.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.renderer.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.svelte$' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'svelte', 'browser', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
