/** Data sets that the app draws by itself, so that everything can be tried with no download. */
import * as v from 'valibot';

export const sampleWorlds = {
  street: { label: 'Street scenes', description: 'Drawn cars, buses, people and signs, with boxes and outlines.' },
  countryside: {
    label: 'Countryside scenes',
    description: 'Drawn tractors, cows, boats and balloons: what the checkpoint that comes along was trained on.',
  },
} as const;
export type SampleWorld = keyof typeof sampleWorlds;

const images = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000));
export const sampleSet = v.object({
  world: v.picklist(Object.keys(sampleWorlds) as SampleWorld[]),
  trainImages: images,
  valImages: images,
  seed: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type SampleSet = v.InferOutput<typeof sampleSet>;

/** Small enough to train on in a minute or two. */
export const sampleProjectSet: SampleSet = { world: 'street', trainImages: 96, valImages: 32, seed: 1 };
