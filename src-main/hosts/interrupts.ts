/** The signals by which a person or the system asks a process in a terminal to stop. */

/** Ctrl-C, a polite kill, and the end of the connection to a remote machine. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** One Ctrl-C can arrive twice, from the terminal and again from a wrapper (npm) that passes it on. */
const echoMs = 500;

/** Calls the listener once for each time that it is asked. Returns a function that ends the subscription. */
export function onInterrupt(listener: () => void): () => void {
  let last = Number.NEGATIVE_INFINITY;
  const hear = () => {
    const now = performance.now();
    const isEcho = now - last < echoMs;
    last = now;
    if (!isEcho) listener();
  };
  for (const signal of signals) process.on(signal, hear);
  return () => {
    for (const signal of signals) process.off(signal, hear);
  };
}
