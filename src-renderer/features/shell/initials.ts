/** "Blood cells" → "BC", "cifar" → "Ci": what stands for a project where its name has no room. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  const [first = '?', second] = words.map((word) => [...word]);
  const letters =
    second === undefined ? [first[0] ?? '?', first[1]?.toLowerCase() ?? ''] : [first[0] ?? '?', second[0] ?? ''];
  return `${letters[0]?.toUpperCase()}${second === undefined ? letters[1] : letters[1]?.toUpperCase()}`;
}
