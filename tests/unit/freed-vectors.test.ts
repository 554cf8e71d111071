/** What a training run's results take the place of is freed at once, and nothing else is. */
import { describe, expect, it } from 'vitest';
import { letGo } from '../../src-main/engine/runtime/free-memory.ts';
import { replaceVector } from '../../src-main/engine/train/training-state.ts';

describe('a vector of the state', () => {
  it('is freed when another one takes its place', () => {
    const previous = Float32Array.of(1, 2);
    const vectors = new Map([['parameters', previous]]);
    const next = Float32Array.of(3, 4);
    replaceVector(vectors, 'parameters', next);
    expect(previous).toHaveLength(0);
    expect(vectors.get('parameters')).toBe(next);
    expect([...next]).toEqual([3, 4]);
  });

  it('stays where it was written over, whole or through a view', () => {
    const data = Float32Array.of(1, 2, 3);
    const vectors = new Map([['parameters', data]]);
    replaceVector(vectors, 'parameters', data);
    replaceVector(vectors, 'parameters', data.subarray(0, 2));
    expect([...vectors.get('parameters')!]).toEqual([1, 2]);
    expect([...data]).toEqual([1, 2, 3]);
  });

  it('may have been freed before', () => {
    const previous = Float32Array.of(1);
    letGo(previous);
    const vectors = new Map([['gradientSum', previous]]);
    replaceVector(vectors, 'gradientSum', Float32Array.of(2));
    expect([...vectors.get('gradientSum')!]).toEqual([2]);
  });
});
