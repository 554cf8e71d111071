/**
 * Seeded random numbers: sfc32, a small fast generator that passes PractRand. Streams are derived from a seed and a
 * purpose, so that no two uses share a sequence and a resumed run can rebuild any of them. Source: C. Doty-Humphrey.
 */

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  private constructor(words: readonly [number, number, number]) {
    [this.a, this.b, this.c] = words;
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** The stream for one purpose ("shuffle", epoch 3). The same seed and keys give the same stream everywhere. */
  static derive(seed: number, ...keys: (string | number)[]): Random {
    const text = [seed, ...keys].join('/');
    return new Random([hash(text, 0x811c9dc5), hash(text, 0x9747b28c), hash(text, 0x1b873593)]);
  }

  /** An integer in [0, 2³²). */
  uint32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    this.c |= 0;
    return sum >>> 0;
  }

  /** A number in [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** A number from the normal distribution with mean 0 and deviation 1. Source: Box & Muller 1958. */
  normal(): number {
    // 1 − u is in (0, 1], so that its logarithm is finite.
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** An integer in [0, bound), without modulo bias. */
  below(bound: number): number {
    const limit = 4294967296 - (4294967296 % bound);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % bound;
  }
}

/** 0 … length − 1 in random order (Fisher–Yates). */
export function permutation(length: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** FNV-1a over UTF-16 units with a final avalanche; spreads keys over the generator's words. */
function hash(text: string, basis: number): number {
  let value = basis;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
