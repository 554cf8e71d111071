/** Rules of the code. Import rules of .svelte files are here, made from .rooms.cjs; those of .ts: .dependency-cruiser.cjs. */
import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';
import rooms from './.rooms.cjs';

const { rendererRooms, packageOwners } = rooms;

/** Import paths that a Svelte file below src-renderer/ROOM may not write; rooms are folders at the renderer's top. */
function forbiddenImports(room, allowed) {
  const others = Object.keys(rendererRooms).filter((name) => name !== room && !allowed.includes(name));
  const foreignPackages = Object.entries(packageOwners).filter(([, owner]) => owner !== `src-renderer/${room}`);
  const message = `In the renderer, ${room} may import ${allowed.join(', ')}.`;
  return [
    ...(others.length > 0 ? [{ regex: `^(\\.\\./)+(${others.join('|')})/`, message }] : []),
    ...noBridge,
    ...foreignPackages.map(([name, owner]) => ({
      regex: `^${name}(/|$)`,
      message: `${name} belongs to ${owner} alone.`,
    })),
    ...webPage,
  ];
}
const webPage = [
  { regex: '^(\\.\\./)+src-main/(?!contract/)', message: 'Of src-main the renderer may import the contract only.' },
  { regex: '^node:', message: 'The renderer has no Node.' },
];
const noBridge = [
  {
    regex: '/(api/(socket-)?bridge|contract/bridge)\\.ts$',
    message: 'Only src-renderer/api/ uses the bridge; import its client.',
  },
];
const restrict = (patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });

export default ts.config(
  { ignores: ['out/', 'node_modules/', '.cache/', 'tests/artifacts/'] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    rules: {
      'no-undef': 'off', // the type check knows better
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-var': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src-main/**/*.ts', 'tests/**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['src-main/engine/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'In the engine randomness is an argument.' },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
    rules: {
      'prefer-const': 'off',
      'svelte/prefer-const': 'error', // knows $props()
      'svelte/no-unused-svelte-ignore': 'off', // takes the reason behind the code for more codes; svelte-check knows
      'svelte/prefer-svelte-reactivity': 'off', // a plain Map or Set behind $state.raw is a choice
    },
  },
  { files: ['src-renderer/*.svelte'], rules: restrict([...webPage, ...noBridge]) },
  ...Object.entries(rendererRooms).map(([room, allowed]) => ({
    files: [`src-renderer/${room}/**/*.svelte`],
    rules: restrict(forbiddenImports(room, allowed)),
  })),
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);
