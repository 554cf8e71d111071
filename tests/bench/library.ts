/**
 * The library at the size of COCO, part by part: import and export beside Python's json.load alone, with lists and queries;
 * scrolling a hundred thousand images in the real renderer; thumbnails beside vipsthumbnail; kills in the middle.
 * LIBRARY_PARTS=coco,kills runs those parts only.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchContext, BenchOutcome } from './bench.ts';
import { measureCoco } from './library/coco.ts';
import { measureKills } from './library/kills.ts';
import type { Part } from './library/part.ts';
import { measureScrolling } from './library/scrolling.ts';
import { measureThumbnails } from './library/thumbnails.ts';

const parts = {
  coco: measureCoco,
  scrolling: measureScrolling,
  thumbnails: measureThumbnails,
  kills: measureKills,
} satisfies Record<string, Part>;

/** Throws where LIBRARY_PARTS names a part that there is not. */
export async function runLibrary({ quick, progress }: BenchContext): Promise<BenchOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'fovea-bench-library-'));
  const whole: BenchOutcome = { figures: [], bars: [], notes: [] };
  try {
    for (const name of wantedParts()) {
      const { figures, bars, notes } = await parts[name]({ quick, folder, progress });
      whole.figures.push(...figures);
      whole.bars.push(...bars);
      whole.notes.push(...notes);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return whole;
}

function wantedParts(): (keyof typeof parts)[] {
  const all = Object.keys(parts) as (keyof typeof parts)[];
  const wanted = process.env['LIBRARY_PARTS']?.split(',');
  if (wanted === undefined) return all;
  const unknown = wanted.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`There is no part "${unknown}". There are: ${all.join(', ')}.`);
  return all.filter((name) => wanted.includes(name));
}
