/** Works out which split each image gets. Pure; the same seed gives the same splits whatever machine it runs on. */
import { splits, type Split } from '../../contract/model/dataset.ts';
import type { CategoryId, ImageId } from '../../contract/model/ids.ts';
import type { SplitPlan, SplitShares } from '../../contract/model/splits.ts';
import { permutation, Random } from '../../engine/data/random.ts';
import { folderOf } from '../../formats/image-files.ts';

export interface SplitImage {
  imageId: ImageId;
  name: string;
  split: Split;
  /** Each once; only read for a stratified plan. */
  categoryIds: readonly CategoryId[];
}

/** The split of each image, in the order of the images. */
export function assignSplits(images: readonly SplitImage[], plan: SplitPlan): Split[] {
  switch (plan.kind) {
    case 'set':
      return images.map(() => plan.split);
    case 'sorted': {
      const order = images.map((_, index) => index).sort((a, b) => compareNames(images[a], images[b]));
      return dealt(images.length, [order], plan.shares);
    }
    case 'random':
      return dealt(images.length, [[...permutation(images.length, randomOf(plan.seed))]], plan.shares);
    case 'stratified':
      return dealt(images.length, strata(images, randomOf(plan.seed)), plan.shares);
    case 'folders':
      return byFolder(images, plan.shares, randomOf(plan.seed));
  }
}

function randomOf(seed: number): Random {
  return Random.derive(seed, 'splits');
}

function compareNames(a: SplitImage | undefined, b: SplitImage | undefined): number {
  const [one, other] = [a?.name ?? '', b?.name ?? ''];
  return one < other ? -1 : one > other ? 1 : (a?.imageId ?? 0) - (b?.imageId ?? 0);
}

/**
 * Deals the groups out one after the other, each in the shares. What rounding leaves over in one group is made up for in
 * the next, so that the whole has the shares too.
 */
function dealt(count: number, groups: readonly (readonly number[])[], shares: SplitShares): Split[] {
  const assigned = Array<Split>(count).fill('train');
  const given = { train: 0, val: 0, test: 0 };
  let total = 0;
  for (const group of groups) {
    total += group.length;
    const quota = quotas(total, shares, given, group.length);
    let at = 0;
    for (const split of splits) {
      for (const end = at + quota[split]; at < end; at++) assigned[group[at] ?? 0] = split;
      given[split] += quota[split];
    }
  }
  return assigned;
}

/** How many of `length` more images each split gets, when `total` are to be in the shares and `given` are dealt out. */
function quotas(
  total: number,
  shares: SplitShares,
  given: Readonly<Record<Split, number>>,
  length: number,
): Record<Split, number> {
  const wanted = splits.map((split) => ({ split, exact: Math.max(0, total * shares[split] - given[split]) }));
  const sum = wanted.reduce((all, { exact }) => all + exact, 0) || 1;
  const scaled = wanted.map(({ split, exact }) => ({ split, exact: (exact * length) / sum }));
  const quota = Object.fromEntries(scaled.map(({ split, exact }) => [split, Math.floor(exact)])) as Record<
    Split,
    number
  >;
  // Largest remainders; of equal ones the earlier split.
  const left = length - splits.reduce((all, split) => all + quota[split], 0);
  const byRemainder = scaled.toSorted((a, b) => (b.exact % 1) - (a.exact % 1));
  for (const { split } of byRemainder.slice(0, left)) quota[split]++;
  return quota;
}

/** Images of each rarest class, shuffled; those without a label come last. */
function strata(images: readonly SplitImage[], random: Random): number[][] {
  const counts = new Map<CategoryId, number>();
  for (const { categoryIds } of images) for (const id of categoryIds) counts.set(id, (counts.get(id) ?? 0) + 1);
  const rarest = (ids: readonly CategoryId[]): number =>
    ids.reduce((best, id) => {
      const [own, other] = [counts.get(id) ?? 0, counts.get(best as CategoryId) ?? Infinity];
      return own < other || (own === other && id < best) ? id : best;
    }, 0);
  const groups = Map.groupBy(permutation(images.length, random), (index) => rarest(images[index]?.categoryIds ?? []));
  const sizeOf = (id: number): number => (id === 0 ? Infinity : (counts.get(id as CategoryId) ?? 0));
  return [...groups].sort(([a], [b]) => sizeOf(a) - sizeOf(b) || a - b).map(([, group]) => group);
}

/** The largest folders first, each to the split that lacks most. */
function byFolder(images: readonly SplitImage[], shares: SplitShares, random: Random): Split[] {
  const order = permutation(images.length, random);
  const folders = [...Map.groupBy(order, (index) => folderOf(images[index]?.name ?? '')).values()];
  const assigned = Array<Split>(images.length).fill('train');
  const given = { train: 0, val: 0, test: 0 };
  for (const folder of folders.sort((a, b) => b.length - a.length)) {
    const lack = (split: Split): number => images.length * shares[split] - given[split];
    const open = splits.filter((split) => shares[split] > 0);
    const split = open.reduce((best, other) => (lack(other) > lack(best) ? other : best), open[0] ?? 'train');
    given[split] += folder.length;
    for (const index of folder) assigned[index] = split;
  }
  return assigned;
}
