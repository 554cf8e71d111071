/** Every bench, by name. A bench is loaded only when it is run. */
import type { Bench } from './bench.ts';

interface Entry {
  name: string;
  summary: string;
  load(): Promise<Bench['run']>;
}

export const benches: readonly Entry[] = [
  {
    name: 'startup',
    summary: 'time from start to the first usable screen, and the size of the renderer',
    load: async () => (await import('./startup.ts')).runStartup,
  },
];
