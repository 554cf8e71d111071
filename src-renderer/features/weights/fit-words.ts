/** What a card says of weights, in words. Pure. */
import type { InputScaling, PaddingStyle, WeightsFit } from '../../../src-main/contract/model/weights.ts';

const paddingWords: Readonly<Record<PaddingStyle, string>> = {
  same: 'TensorFlow’s “same”',
  symmetric: 'both sides alike',
};
const scalingWords: Readonly<Record<InputScaling, string>> = {
  imagenet: 'ImageNet’s means and deviations',
  'minus-one-to-one': '−1 to 1',
  'zero-to-one': '0 to 1',
};

export interface Comparison {
  term: string;
  text: string;
  /** What the weights want and what the network does are known, and differ. */
  differs: boolean;
}

/** One line each for padding and pixels; none where nothing is known of the weights. */
export function comparisons({ padding, scaling }: WeightsFit): Comparison[] {
  return [compared('Padding', padding, paddingWords), compared('Pixels', scaling, scalingWords)].filter(
    (line) => line !== null,
  );
}

function compared<T extends string>(
  term: string,
  { weights, network }: { weights: T | null; network: T | null },
  words: Readonly<Record<T, string>>,
): Comparison | null {
  if (weights === null) return null;
  const differs = network !== null && network !== weights;
  return { term, differs, text: differs ? `${words[weights]}; the network: ${words[network]}` : words[weights] };
}

/** "conv1.weight: [64, 3, 7, 7] in the file", "fc.weight: not in the file". */
export function freshText({ name, reason, fileShape }: WeightsFit['fresh'][number]): string {
  return reason === 'shape' ? `${name}: [${fileShape?.join(', ') ?? ''}] in the file` : `${name}: not in the file`;
}
