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
    name: 'detection',
    summary: 'YOLOv8n beside its published weights and measures, learning by heart, and the speed of the measures',
    load: async () => (await import('./detection.ts')).runDetection,
  },
  {
    name: 'segmentation',
    summary:
      "U-Nets on aerial images from random and ImageNet's weights, membranes beside PyTorch, large masks (an hour)",
    load: async () => (await import('./segmentation.ts')).runSegmentation,
  },
  {
    name: 'weights',
    summary: 'networks on weights that PyTorch has written as .pth: outputs and gradients beside its own',
    load: async () => (await import('./weights.ts')).runWeights,
  },
  {
    name: 'runs',
    summary: 'a list of a thousand runs, a comparison of eight, and how smoothly their curves move',
    load: async () => (await import('./runs.ts')).runRuns,
  },
  {
    name: 'library',
    summary:
      'COCO of 118,000 images in and out, lists and queries, thumbnails, and kills in the middle (fifteen minutes)',
    load: async () => (await import('./library.ts')).runLibrary,
  },
  {
    name: 'annotate',
    summary: 'the editor with 10,000 outlines and 200 masks: frames, script times, memory, beside plain Konva nodes',
    load: async () => (await import('./annotate.ts')).runAnnotate,
  },
  {
    name: 'annotate-kills',
    summary: 'labelling killed at a thousand random moments: what is there after the restart',
    load: async () => (await import('./annotate-kills.ts')).runAnnotateKills,
  },
];
