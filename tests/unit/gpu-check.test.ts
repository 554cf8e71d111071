/** `npm run gpu:check` on a machine that need not have a GPU: what it prints, and how it ends. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { capture } from '../../src-main/setup/child.mjs';

const script = (name: string): string => fileURLToPath(new URL(`../gpu-check/${name}`, import.meta.url));
const absent = process.platform === 'darwin' ? 'dml' : 'coreml';

test('says plainly what is not available, and that this is no failure', async () => {
  const { code, stdout } = await capture(process.execPath, [script('run.ts'), '--quick', `--device=${absent}`]);
  expect(stdout).toMatch(/not available\. (Core ML is a part of macOS|DirectML is a part of Windows)\./);
  expect(stdout).toMatch(/Everything that runs here is right\.\n$/);
  expect(code).toBe(0);
});

test('refuses what it does not know', async () => {
  const { code, stderr } = await capture(process.execPath, [script('run.ts'), '--device=tpu', '--slow']);
  expect(code).toBe(2);
  expect(stderr).toBe('Not understood: --slow, tpu. There are --quick and --device=cpu,cuda,webgpu,dml,coreml.\n');
});

test('finds every operator and every quick network right on the CPU', { timeout: 180_000 }, async () => {
  for (const part of ['operators', 'networks']) {
    const { code, stdout, stderr } = await capture(process.execPath, [script('child.ts'), 'cpu', part, '--quick']);
    expect(code, stderr).toBe(0);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; error: number | null; note: string | null });
    expect(rows.filter(({ note, error }) => note !== null || error === null)).toEqual([]);
    expect(rows.map(({ name }) => name)).toEqual(
      expect.arrayContaining(
        part === 'operators'
          ? ['Conv', 'MatMul', 'BatchNorm', 'Loop']
          : ['LeNet-5, one step', 'YOLOv8n, 2 steps in a row'],
      ),
    );
  }
});

test('goes through a whole device to its verdict', { timeout: 180_000 }, async () => {
  const { code, stdout, stderr } = await capture(process.execPath, [script('run.ts'), '--quick', '--device=cpu']);
  expect(stdout, stderr).toMatch(/Everything that runs here is right\.\n$/);
  expect(stdout).toMatch(/^ +lenet5 +\d+/m);
  expect(code).toBe(0);
});
