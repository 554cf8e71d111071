/**
 * WebGPU for real, on a machine without a GPU: Chromium brings SwiftShader, a Vulkan driver in software. Slow, so it runs
 * one small network; skipped where there is no such driver.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { capture } from '../../src-main/setup/child.mjs';
import type { Row } from '../gpu-check/rows.ts';

const driver = '/usr/lib/chromium/vk_swiftshader_icd.json';
const loaders = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib64/libvulkan.so.1'];
const hasDriver = existsSync(driver) && loaders.some((file) => existsSync(file));

test.runIf(hasDriver)(
  'trains with the CPU’s numbers, steps in a row with their weights in GPU buffers among them',
  { timeout: 300_000 },
  async () => {
    const child = fileURLToPath(new URL('../gpu-check/child.ts', import.meta.url));
    const env = { ...process.env, VK_ICD_FILENAMES: driver };
    const args = [child, 'webgpu', 'networks', '--only=lenet5-bn'];
    const { code, stdout, stderr } = await capture(process.execPath, args, { env });
    expect(code, stderr).toBe(0);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
    const single = rows.filter(({ isOptional }) => !isOptional);
    expect(single.map(({ name, note }) => [name, note])).toEqual([
      ['LeNet-5 with batch norm, one step', null],
      ['LeNet-5 with batch norm, 2 steps in a row', null],
    ]);
    for (const { error } of single) expect(error).toBeLessThan(1e-4);
    // SwiftShader has no half precision, which is said and is no failure; a driver that has it must be right.
    const mixed = rows.filter(({ isOptional }) => isOptional);
    expect(mixed).toHaveLength(2);
    for (const { note } of mixed) expect(note ?? 'requires f16').toContain('requires f16');
  },
);
