/** The import rules of the house catch what they forbid: each is broken on purpose in a small tree of its own. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ESLint } from 'eslint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture } from '../../src-main/setup/child.mjs';
import { repository } from '../helpers/app-session.ts';

/** File → its only line. Files without a rule in `broken` obey. */
const tree: Record<string, string> = {
  'src-main/index.ts': "import '../src-main/hosts/cli/fine.ts'; import '../src-main/store/fine.ts';",
  'src-main/contract/fine.ts': "import type { GenericSchema } from 'valibot'; export type Schema = GenericSchema;",
  'src-main/contract/reads-files.ts': "import { readFileSync } from 'node:fs'; export const read = readFileSync;",
  'src-main/contract/sockets.ts': "import type { WebSocket } from 'ws'; export type Socket = WebSocket;",
  'src-main/contract/knows-store.ts': "export type { Row } from '../store/fine.ts';",
  'src-main/store/fine.ts': "import type { Database } from 'better-sqlite3'; export type Row = Database;",
  'src-main/store/knows-services.ts': "import type { Service } from '../services/fine.ts'; export type S = Service;",
  'src-main/services/fine.ts': "import type { Row } from '../store/fine.ts'; export type Service = Row;",
  'src-main/services/queries.ts': "import type { Database } from 'better-sqlite3'; export type D = Database;",
  'src-main/formats/knows-engine.ts': "import { layer } from '../engine/nn/fine.ts'; export const l = layer;",
  'src-main/hosts/cli/fine.ts': "import type { Service } from '../../services/fine.ts'; export type S = Service;",
  'src-main/hosts/cli/knows-store.ts': "const row = await import('../../store/fine.ts'); export default row;",
  'src-main/hosts/electron/fine.ts': "import { app } from 'electron'; export const name = app.name;",
  'src-main/services/windows.ts': "import type { BrowserWindow } from 'electron'; export type W = BrowserWindow;",
  'src-main/setup/fine.mjs': "import { join } from 'node:path'; export const j = join;",
  'src-main/setup/has-packages.mjs': "import { Command } from 'commander'; export const c = Command;",
  'src-main/engine/nn/fine.ts': "import { graph } from '../graph/fine.ts'; export const layer = graph;",
  'src-main/engine/graph/fine.ts': 'export const graph = 1;',
  'src-main/engine/graph/knows-nn.ts': "import type { layer } from '../nn/fine.ts'; export type L = typeof layer;",
  'src-main/engine/passes/fine.ts': 'export const pass = 1;',
  'src-main/engine/autodiff/knows-passes.ts': "import { pass } from '../passes/fine.ts'; export const p = pass;",
  'src-main/engine/metrics/knows-graph.ts': "import { graph } from '../graph/fine.ts'; export const g = graph;",
  'src-main/engine/runtime/fine.ts': "import type { Tensor } from 'onnxruntime-node'; export type T = Tensor;",
  'src-main/engine/train/sessions.ts': "import type { Tensor } from 'onnxruntime-node'; export type T = Tensor;",
  'src-main/engine/train/cycle-a.ts': "import { b } from './cycle-b.ts'; export const a = () => b;",
  'src-main/engine/train/cycle-b.ts': "import { a } from './cycle-a.ts'; export const b = () => a;",
  'src-main/engine/train/lost.ts': "import { a } from './nowhere.ts'; export const b = a;",
  'src-renderer/api/bridge.ts': 'export const bridge = 1;',
  'src-renderer/api/client.svelte.ts': "import { bridge } from './bridge.ts'; export const client = bridge;",
  'src-renderer/state/fine.svelte.ts': "import { client } from '../api/client.svelte.ts'; export const c = client;",
  'src-renderer/state/uses-bridge.svelte.ts': "import { bridge } from '../api/bridge.ts'; export const b = bridge;",
  'src-renderer/ui/knows-feature.ts': "import type { f } from '../features/train/fine.ts'; export type F = typeof f;",
  'src-renderer/features/train/fine.ts': "import { c } from '../../state/fine.svelte.ts'; export const f = c;",
  'src-renderer/features/train/knows-main.ts':
    "import type { Row } from '../../../src-main/store/fine.ts'; export type R = Row;",
  'src-renderer/features/train/has-node.ts': "import { join } from 'node:path'; export const j = join;",
};

const broken: [file: string, rule: string][] = [
  ['src-main/contract/reads-files.ts', 'contract-is-pure'],
  ['src-main/contract/sockets.ts', 'contract-is-pure'],
  ['src-main/contract/knows-store.ts', 'main-contract'],
  ['src-main/store/knows-services.ts', 'main-store'],
  ['src-main/services/queries.ts', 'only-store-imports-better-sqlite3'],
  ['src-main/services/windows.ts', 'only-electron-imports-electron'],
  ['src-main/formats/knows-engine.ts', 'main-formats'],
  ['src-main/hosts/cli/knows-store.ts', 'main-hosts'],
  ['src-main/setup/has-packages.mjs', 'setup-needs-nothing'],
  ['src-main/engine/graph/knows-nn.ts', 'engine-graph'],
  ['src-main/engine/autodiff/knows-passes.ts', 'engine-autodiff'],
  ['src-main/engine/metrics/knows-graph.ts', 'engine-metrics'],
  ['src-main/engine/train/sessions.ts', 'only-runtime-imports-onnxruntime-node'],
  ['src-main/engine/train/cycle-a.ts', 'no-cycles'],
  ['src-main/engine/train/lost.ts', 'no-unresolvable'],
  ['src-renderer/state/uses-bridge.svelte.ts', 'only-api-uses-the-bridge'],
  ['src-renderer/ui/knows-feature.ts', 'renderer-ui'],
  ['src-renderer/features/train/knows-main.ts', 'renderer-features'],
  ['src-renderer/features/train/knows-main.ts', 'renderer-is-a-web-page'],
  ['src-renderer/features/train/has-node.ts', 'renderer-has-no-node'],
];

describe('import rules of TypeScript files', () => {
  let folder: string;
  let violations: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-import-rules-'));
    for (const [file, line] of Object.entries(tree)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `${line}\n`);
    }
    for (const file of ['tsconfig.json', 'tsconfig.renderer.json'])
      copyFileSync(join(repository, file), join(folder, file));
    symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
    violations = await violationsIn(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(broken)('%s breaks %s', (file, rule) => {
    expect(violations).toContain(`${file} ${rule}`);
  });

  it('finds nothing else', () => {
    expect(violations.toSorted()).toEqual(broken.map((pair) => pair.join(' ')).toSorted());
  });
});

/** "file rule", each once. */
async function violationsIn(folder: string): Promise<string[]> {
  const script = join(repository, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const config = join(repository, '.dependency-cruiser.cjs');
  const args = [script, '--config', config, '--output-type', 'json', 'src-main', 'src-renderer'];
  const { stdout } = await capture(process.execPath, args, { cwd: folder });
  const { summary } = JSON.parse(stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } };
  return [...new Set(summary.violations.map(({ from, rule }) => `${from} ${rule.name}`))];
}

describe('import rules of Svelte files', () => {
  const eslint = new ESLint({ cwd: repository, overrideConfigFile: join(repository, '.eslint.config.mjs') });
  const messages = async (filePath: string, line: string) => {
    const [result] = await eslint.lintText(`<script lang="ts">\n  ${line}\n</script>\n`, {
      filePath: join(repository, filePath),
    });
    return result?.messages
      .filter(({ ruleId }) => ruleId === '@typescript-eslint/no-restricted-imports')
      .map(({ message }) => message);
  };

  it.each([
    [
      'src-renderer/ui/Sample.svelte',
      "import type { F } from '../features/train/fine.ts';",
      'ui may import state, contract',
    ],
    [
      'src-renderer/state/Sample.svelte',
      "import Button from '../ui/Button.svelte';",
      'state may import api, canvas, contract',
    ],
    [
      'src-renderer/features/train/Sample.svelte',
      "import { bridge } from '../../api/bridge.ts';",
      'Only src-renderer/api/',
    ],
    [
      'src-renderer/features/train/Sample.svelte',
      "import type { Row } from '../../../src-main/store/x.ts';",
      'the contract only',
    ],
    ['src-renderer/features/train/Sample.svelte', "import { join } from 'node:path';", 'The renderer has no Node'],
    [
      'src-renderer/features/train/Sample.svelte',
      "import Konva from 'konva';",
      'konva belongs to src-renderer/canvas-konva',
    ],
    ['src-renderer/App.svelte', "import type { Row } from '../src-main/store/x.ts';", 'the contract only'],
  ])('%s may not say: %s', async (file, line, expected) => {
    expect(await messages(file, line)).toEqual([expect.stringContaining(expected)]);
  });

  it.each([
    [
      'src-renderer/features/train/Sample.svelte',
      "import type { Run } from '../../../src-main/contract/model/run.ts';",
    ],
    ['src-renderer/features/train/Sample.svelte', "import Button from '../../ui/Button.svelte';"],
    ['src-renderer/features/train/Sample.svelte', "import Runs from '../runs/Runs.svelte';"],
    ['src-renderer/App.svelte', "import Start from './features/start/StartScreen.svelte';"],
  ])('%s may say: %s', async (file, line) => {
    expect(await messages(file, line)).toEqual([]);
  });
});
