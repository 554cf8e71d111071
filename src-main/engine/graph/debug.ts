/**
 * The engine's one debug dial: DEBUG_ENGINE=1 prints a summary of each graph, 2 what every pass did, 3 also shape, least,
 * greatest and mean of what every node of the first step makes, the first that is no number marked. It goes to standard
 * error, which hosts pass on.
 */
export function debugLevel(): number {
  return Number(process.env['DEBUG_ENGINE'] ?? 0);
}

export function debugLog(text: string): void {
  process.stderr.write(`[engine] ${text}\n`);
}
