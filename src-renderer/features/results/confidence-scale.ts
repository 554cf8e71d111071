/** The heat map of how sure a network is of each pixel: cividis, which reads the same with any colour vision. Nuñez et al. 2018. */
import { packed, type Rgb } from './mask-pictures.ts';

const stops: readonly Rgb[] = [
  [0, 32, 77],
  [0, 51, 111],
  [57, 71, 109],
  [93, 93, 110],
  [124, 123, 120],
  [159, 152, 116],
  [196, 184, 100],
  [236, 217, 71],
  [255, 234, 70],
];

/** share: in [0, 1]. */
export function scaleColour(share: number): Rgb {
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const [below, above] = [stops[Math.floor(place)]!, stops[Math.ceil(place)]!];
  const part = place - Math.floor(place);
  return [0, 1, 2].map((channel) => Math.round(below[channel]! + (above[channel]! - below[channel]!) * part)) as [
    number,
    number,
    number,
  ];
}

export const scaleGradient = `linear-gradient(to right, ${stops.map((stop) => `rgb(${stop.join(' ')})`).join(', ')})`;

/** No surer than by chance among so many classes is the low end, 1 the high end. confidence: uint8 [H·W], 255 for 1. */
export function confidencePixels(confidence: Uint8Array, classCount: number): Uint32Array {
  const least = 1 / Math.max(2, classCount);
  const table = Uint32Array.from({ length: 256 }, (_, value) =>
    packed(scaleColour((value / 255 - least) / (1 - least))),
  );
  return Uint32Array.from(confidence, (value) => table[value]!);
}
