/**
 * Non-maximum suppression: of boxes that overlap only the best stays. Greedy, by falling score; of equal scores the one
 * listed first goes first, so that the result is the same on every run.
 */

export interface BoxCandidates {
  /** [B, 4] in any one unit. */
  readonly bboxXyxy: Float32Array;
  readonly scores: Float32Array;
  readonly categories: Int32Array;
}

export interface AnchoredCandidates extends BoxCandidates {
  /** Which of the network's positions said each one. */
  readonly anchors: Int32Array;
}

export interface SuppressionSettings {
  /** Scores must be greater. */
  readonly scoreThreshold: number;
  /** A box goes where its IoU with one that stays is greater. */
  readonly iouThreshold: number;
  readonly maxDetections: number;
  /** Boxes of different categories suppress each other too. */
  readonly classAgnostic: boolean;
}

/**
 * What a detector says of one image as candidates: an anchor once for each category whose score is greater than the
 * threshold. scores: [C, A]; sides: [4, A], x1, y1, x2, y2 of every anchor's box.
 */
export function candidatesOf(scores: Float32Array, sides: Float32Array, scoreThreshold: number): AnchoredCandidates {
  const anchors = sides.length / 4;
  const places = Int32Array.from(scores.keys()).filter((place) => scores[place]! > scoreThreshold);
  const bboxXyxy = new Float32Array(4 * places.length);
  for (let i = 0; i < bboxXyxy.length; i++) bboxXyxy[i] = sides[(i % 4) * anchors + (places[i >> 2]! % anchors)]!;
  return {
    bboxXyxy,
    scores: Float32Array.from(places, (place) => scores[place]!),
    categories: places.map((place) => Math.floor(place / anchors)),
    anchors: places.map((place) => place % anchors),
  };
}

/** Indices of the candidates that stay, best first. Scores that are no number are left out. */
export function nonMaxSuppression(candidates: BoxCandidates, settings: SuppressionSettings): Int32Array {
  const { bboxXyxy, scores, categories } = candidates;
  const { scoreThreshold, iouThreshold, maxDetections, classAgnostic } = settings;
  const order = bestFirst(scores, scoreThreshold);
  const kept = new Int32Array(Math.min(maxDetections, order.length));
  // Sides of those that stay, side by side: they are what every other box is held against.
  const sides = new Float64Array(5 * kept.length);
  let count = 0;
  for (const index of order) {
    if (count === kept.length) break;
    const x1 = bboxXyxy[4 * index]!;
    const y1 = bboxXyxy[4 * index + 1]!;
    const x2 = bboxXyxy[4 * index + 2]!;
    const y2 = bboxXyxy[4 * index + 3]!;
    const area = (x2 - x1) * (y2 - y1);
    let stays = true;
    for (let k = 0; k < count && stays; k++) {
      if (!classAgnostic && categories[kept[k]!] !== categories[index]) continue;
      const width = Math.min(x2, sides[5 * k + 2]!) - Math.max(x1, sides[5 * k]!);
      const height = Math.min(y2, sides[5 * k + 3]!) - Math.max(y1, sides[5 * k + 1]!);
      if (width <= 0 || height <= 0) continue;
      const common = width * height;
      stays = common / (area + sides[5 * k + 4]! - common) <= iouThreshold;
    }
    if (!stays) continue;
    sides.set([x1, y1, x2, y2, area], 5 * count);
    kept[count++] = index;
  }
  return kept.slice(0, count);
}

function bestFirst(scores: Float32Array, threshold: number): Int32Array {
  const above = Int32Array.from(scores.keys()).filter((index) => scores[index]! > threshold);
  return above.sort((a, b) => scores[b]! - scores[a]! || a - b);
}
