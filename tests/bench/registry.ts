/** Every bench, by name. A bench is loaded only when it is run. */
import type { Bench } from './bench.ts';

interface Entry {
  name: string;
  summary: string;
  load(): Promise<Bench['run']>;
}

export const benches: readonly Entry[] = [
  {
    name: 'lenet',
    summary: "LeNet-5 on CIFAR-10: the time of our epoch over PyTorch's",
    load: async () => (await import('./lenet.ts')).runLenet,
  },
  {
    name: 'engine',
    summary: "a training step of every network: time and memory over PyTorch's",
    load: async () => (await import('./engine.ts')).runEngine,
  },
  {
    name: 'chapter',
    summary: 'accuracies of LeNet-5 with and without batch norm beside PyTorch, three seeds (an hour)',
    load: async () => (await import('./chapter.ts')).runChapter,
  },
  {
    name: 'memory',
    summary: "the engine's estimate of a step's memory over the measured peak",
    load: async () => (await import('./memory.ts')).runMemory,
  },
  {
    name: 'startup',
    summary: 'time from start to the first usable screen, and the size of the renderer',
    load: async () => (await import('./startup.ts')).runStartup,
  },
  {
    name: 'runs',
    summary: 'a list of a thousand runs, a comparison of eight, and how smoothly their curves move',
    load: async () => (await import('./runs.ts')).runRuns,
  },
];
