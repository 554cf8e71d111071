/** COCO's measures held against those of a golden case. */
import { expect } from 'vitest';
import type { CocoMeasures } from '../../src-main/engine/metrics/average-precision.ts';

export function expectMeasures(actual: CocoMeasures, wanted: CocoMeasures, where: string): void {
  for (const key of Object.keys(wanted) as (keyof CocoMeasures)[]) {
    const [value, reference] = [actual[key], wanted[key]];
    if (reference === null || value === null) expect(value, `${where}: ${key}`).toBe(reference);
    else expect(Math.abs(value - reference), `${where}: ${key}`).toBeLessThan(1e-9);
  }
}
