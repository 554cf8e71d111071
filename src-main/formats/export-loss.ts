/**
 * What a format cannot hold of a label, in words; counted before an export, so that nothing is lost in silence. One
 * record a format says what becomes of each kind; the writers follow it.
 */
import type { Annotation, AnnotationFlag, ShapeKind } from '../contract/model/annotation.ts';
import type { ExportFormat } from '../contract/model/dataset-export.ts';

type Label = Pick<Annotation, 'shape' | 'flags' | 'attributes' | 'provenance'>;

/** With the count behind. */
const words = {
  leftOut: 'Labels that the format has no place for; they are left out',
  becomesBox: 'Shapes that become the box around them',
  becomesOutline: 'Rotated boxes that become outlines of four corners',
  becomesRotated: 'Boxes that become rotated boxes of 0 degrees',
  staysBox: 'Boxes that stay boxes among the outlines',
  hole: 'Outlines that lose their holes',
  parts: 'Outlines of several parts that become an object for each part',
  becomesMask: 'Outlines with holes or several parts that become masks',
  holeMask: 'Outlines with holes that become masks',
  maskOutline: 'Masks that become outlines along their pixels',
  keypoints: 'Sets of keypoints that become the box around them',
  keypointsBox: 'Sets of keypoints that lose their box',
  objects: 'Objects that become pixels of their class and cannot be told apart',
  flags: 'Labels that lose their flags (occluded, truncated, difficult, crowd)',
  someFlags: 'Labels that lose some of their flags (occluded, truncated, difficult, crowd)',
  attributes: 'Labels that lose their attributes',
  someAttributes: 'Labels that lose some of their attributes',
  score: 'Labels made by a model that lose where they come from',
} as const;
export type Loss = keyof typeof words;

interface Holds {
  /** What is lost of a shape of this kind; absent where nothing is. */
  kinds: Partial<Record<ShapeKind, Loss>>;
  holes?: Loss;
  parts?: Loss;
  flags: readonly AnnotationFlag[];
  /** Which attributes go in; the others are lost. */
  holdsAttribute: (name: string, value: string | number | boolean) => boolean;
}

const none = (): boolean => false;
const all = (): boolean => true;
const yolo = { flags: [], holdsAttribute: none };
const yoloBoxes = {
  ...yolo,
  kinds: { classification: 'leftOut', 'rotated-box': 'becomesBox', keypoints: 'keypoints' },
} as const;
const masks: Holds = {
  kinds: {
    classification: 'leftOut',
    bbox: 'leftOut',
    'rotated-box': 'leftOut',
    keypoints: 'leftOut',
    polygon: 'objects',
  },
  flags: [],
  holdsAttribute: none,
};
const leftOut = 'leftOut' as const;

const holds: Record<ExportFormat, Holds> = {
  coco: {
    kinds: { classification: 'leftOut', 'rotated-box': 'becomesBox' },
    holes: 'holeMask',
    flags: ['crowd'],
    holdsAttribute: all,
  },
  'yolo-detect': { ...yolo, kinds: { ...yoloBoxes.kinds, polygon: 'becomesBox', mask: 'becomesBox' } },
  'yolo-segment': {
    ...yolo,
    kinds: { ...yoloBoxes.kinds, bbox: 'staysBox', 'rotated-box': 'becomesOutline', mask: 'maskOutline' },
    holes: 'hole',
    parts: 'parts',
  },
  'yolo-obb': {
    ...yolo,
    kinds: {
      classification: 'leftOut',
      bbox: 'becomesRotated',
      polygon: 'becomesBox',
      mask: 'becomesBox',
      keypoints: 'keypoints',
    },
  },
  'yolo-pose': {
    ...yolo,
    kinds: { classification: 'leftOut', 'rotated-box': 'becomesBox', polygon: 'becomesBox', mask: 'becomesBox' },
  },
  voc: {
    kinds: { ...yoloBoxes.kinds, polygon: 'becomesBox', mask: 'becomesBox' },
    flags: ['occluded', 'truncated', 'difficult'],
    holdsAttribute: (name) => name === 'pose',
  },
  labelme: {
    kinds: { classification: 'leftOut', 'rotated-box': 'becomesOutline', keypoints: 'keypoints' },
    holes: 'holeMask',
    flags: [],
    holdsAttribute: (_, value) => typeof value === 'boolean',
  },
  cvat: { kinds: {}, holes: 'becomesMask', parts: 'becomesMask', flags: ['occluded'], holdsAttribute: all },
  'masks-index': masks,
  'masks-palette': masks,
  'masks-colour': masks,
  'image-folders': {
    kinds: { bbox: leftOut, 'rotated-box': leftOut, polygon: leftOut, mask: leftOut, keypoints: leftOut },
    flags: [],
    holdsAttribute: none,
  },
};

/** Everything that is lost of one label; nothing but `leftOut` where the whole label is. */
export function lossesOf({ shape, flags, attributes, provenance }: Label, format: ExportFormat): Loss[] {
  const of = holds[format];
  const whole = of.kinds[shape.kind];
  if (whole === 'leftOut') return [whole];
  const losses = new Set<Loss>();
  if (whole !== undefined) losses.add(whole);
  if (shape.kind === 'polygon' && whole === undefined) {
    if (of.holes && shape.parts.some(({ holes }) => holes.length > 0)) losses.add(of.holes);
    if (of.parts && shape.parts.length > 1) losses.add(of.parts);
  }
  if (shape.kind === 'keypoints' && format === 'cvat' && shape.bboxXyxy !== null) losses.add('keypointsBox');
  const lostFlags = flags.filter((flag) => !of.flags.includes(flag));
  if (lostFlags.length > 0) losses.add(of.flags.length === 0 ? 'flags' : 'someFlags');
  const values = Object.entries(attributes);
  const lost = values.filter(([name, value]) => !of.holdsAttribute(name, value)).length;
  if (lost > 0) losses.add(lost === values.length ? 'attributes' : 'someAttributes');
  if (provenance.by === 'model') losses.add('score');
  return [...losses];
}

export function lossWords(loss: Loss, count: number): string {
  return `${words[loss]}: ${count.toLocaleString('en')}.`;
}
