/** Curves of a bench as a picture, drawn as the app draws those that a person saves. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { curvesSvg } from '../../src-main/contract/curves-svg.ts';
import { palette } from '../../src-main/services/runs/report/palette.ts';

export interface DrawnArm {
  label: string;
  /** A value an epoch, a list a seed; all of an arm have its colour. */
  curves: readonly (readonly number[])[];
}

/** An SVG file on white. Writes nothing where there is no value. `title`: "mean IoU". */
export async function drawCurves(file: string, title: string, arms: readonly DrawnArm[]): Promise<void> {
  const curves = arms.flatMap(({ label, curves: seeds }, arm) =>
    seeds.map((values, seed) => ({
      label: seeds.length === 1 ? label : `${label}, seed ${seed}`,
      colour: palette[arm]!,
      dashed: false,
      x: values.map((_, index) => index + 1),
      y: values,
    })),
  );
  const svg = curvesSvg(curves, title);
  if (svg === null) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, svg.replace('>', '>\n<rect width="100%" height="100%" fill="#fff"/>'));
}
