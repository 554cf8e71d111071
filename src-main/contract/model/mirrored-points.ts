/** Which of a skeleton's points change places in a mirrored image, by their names. */

/** Pairs of places whose names differ in "left" and "right" only. */
export function mirroredPairs(points: readonly string[]): [number, number][] {
  return points.flatMap((name, place): [number, number][] => {
    const mirrored = name.replace(/\bleft\b|left(?=[_-])|(?<=[_-])left/i, (side) =>
      side === side.toUpperCase() ? 'RIGHT' : side.startsWith('L') ? 'Right' : 'right',
    );
    const other = mirrored === name ? -1 : points.indexOf(mirrored);
    return other === -1 ? [] : [[place, other]];
  });
}
