/** The command line: looking into the engine, without a backend. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backend, cli, folder, stderr, stdout, tasks, performTasks } from '../helpers/cli-session.ts';

describe('the engine’s tools', () => {
  it('write a graph as a file and as text, without a backend', async () => {
    performTasks((task, child) => {
      child.say({ kind: 'done', answer: { model: Uint8Array.of(8, 9), text: `graph ${task.name}` } });
      child.exit(0);
    });
    const output = join(folder, 'step.onnx');
    expect(await cli(['dump-graph', 'yolov8n', '--batch', '2', '--size', '64', '--stage', 'built', '-o', output])).toBe(
      0,
    );
    expect(tasks.started).toEqual([
      { name: 'dump-graph', request: { network: 'yolov8n', batchSize: 2, side: 64, stage: 'built' } },
    ]);
    expect([...readFileSync(output)]).toEqual([8, 9]);
    expect(readFileSync(join(folder, 'step.txt'), 'utf8')).toBe('graph dump-graph\n');
    expect(stdout).toBe(`${output}\n${join(folder, 'step.txt')}\n`);
    expect(backend.requests).toEqual([]);
  });

  it('print where the time of a step goes', async () => {
    const layers = [
      { name: 'conv1', milliseconds: 3, nodes: 2 },
      { name: 'fc1 (gradient)', milliseconds: 1, nodes: 4 },
    ];
    performTasks((_, child) => {
      child.say({
        kind: 'done',
        answer: { stepMs: 4, layers, opTypes: [{ name: 'Conv', milliseconds: 4, nodes: 6 }] },
      });
      child.exit(0);
    });
    expect(await cli(['profile', 'lenet5', '--steps', '3'])).toBe(0);
    expect(tasks.started).toEqual([
      { name: 'profile-step', request: { network: 'lenet5', batchSize: null, side: null, device: 'cpu', steps: 3 } },
    ]);
    expect(stdout).toMatch(/4\.00 ms in nodes a step/);
    expect(stdout).toMatch(/conv1 +3\.000 +75\.0 % +2/);
    expect(stdout).toMatch(/fc1 \(gradient\) +1\.000 +25\.0 % +4/);
  });

  it('say in one line what is wrong', async () => {
    performTasks((_, child) => {
      child.say({ kind: 'failed', error: { code: 'not-found', message: 'There is no network "x".', context: {} } });
      child.exit(0);
    });
    expect(await cli(['profile', 'x'])).toBe(1);
    expect(stderr).toBe('fovea: There is no network "x".\n');
    expect(await cli(['profile', 'lenet5', '--steps', '0'])).toBe(2);
  });
});
