/** What describes a convolution, and the size of its output. */

/** pads: [top, left, bottom, right], px. */
export interface ConvAttributes {
  kernel_shape: readonly number[];
  strides: readonly number[];
  pads: readonly number[];
  dilations: readonly number[];
  group: number;
}

/** O = ⌊(I + begin + end − dilation·(k − 1) − 1) / stride⌋ + 1, for each spatial axis. */
export function convOutputSize(inputHw: readonly number[], a: ConvAttributes): number[] {
  return inputHw.map((size, i) => {
    const reach = a.dilations[i]! * (a.kernel_shape[i]! - 1) + 1;
    return Math.floor((size + a.pads[i]! + a.pads[i + 2]! - reach) / a.strides[i]!) + 1;
  });
}

/** A 3×3 kernel that halves an image of even size: stride 2, padding 1, one group. */
export function isHalving(image: readonly number[], output: readonly number[], a: ConvAttributes): boolean {
  return (
    a.group === 1 &&
    a.kernel_shape.every((k) => k === 3) &&
    a.strides.every((s) => s === 2) &&
    a.dilations.every((d) => d === 1) &&
    a.pads.slice(0, 2).every((p) => p === 1) &&
    [2, 3].every((axis) => image[axis] === 2 * output[axis]!)
  );
}
