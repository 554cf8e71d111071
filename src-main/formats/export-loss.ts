/** What a format cannot hold of a label, in words; counted before an export, so that nothing is lost in silence. */
import type { Annotation } from '../contract/model/annotation.ts';
import type { ExportFormat } from '../contract/model/dataset-export.ts';

type Label = Pick<Annotation, 'shape' | 'flags' | 'attributes' | 'provenance'>;

/** With the count behind. */
const words = {
  tag: 'Classes of whole images that are left out',
  becomesBox: 'Shapes that become the box around them',
  staysBox: 'Boxes that stay boxes among the outlines',
  hole: 'Outlines that lose their holes',
  parts: 'Outlines of several parts that become an object for each part',
  holeMask: 'Outlines with holes that become masks',
  keypoints: 'Sets of keypoints that become the box around them',
  flags: 'Labels that lose their flags (occluded, truncated, difficult, crowd)',
  someFlags: 'Labels that lose the flags occluded, truncated or difficult',
  attributes: 'Labels that lose their attributes',
  score: 'Labels made by a model that lose where they come from',
} as const;
export type Loss = keyof typeof words;

/** Everything that is lost of one label. */
export function lossesOf({ shape, flags, attributes, provenance }: Label, format: ExportFormat): Loss[] {
  if (shape.kind === 'classification') return ['tag'];
  const losses: Loss[] = [];
  const isYolo = format !== 'coco';
  if (shape.kind === 'rotated-box') losses.push('becomesBox');
  if (shape.kind === 'keypoints' && isYolo) losses.push('keypoints');
  if (shape.kind === 'mask' && isYolo) losses.push('becomesBox');
  if (shape.kind === 'bbox' && format === 'yolo-segment') losses.push('staysBox');
  if (shape.kind === 'polygon') {
    const hasHoles = shape.parts.some(({ holes }) => holes.length > 0);
    if (format === 'yolo-detect') losses.push('becomesBox');
    else if (hasHoles) losses.push(isYolo ? 'hole' : 'holeMask');
    if (format === 'yolo-segment' && shape.parts.length > 1) losses.push('parts');
  }
  const lostFlags = isYolo ? flags : flags.filter((flag) => flag !== 'crowd');
  if (lostFlags.length > 0) losses.push(isYolo ? 'flags' : 'someFlags');
  if (isYolo && Object.keys(attributes).length > 0) losses.push('attributes');
  if (provenance.by === 'model') losses.push('score');
  return losses;
}

export function lossWords(loss: Loss, count: number): string {
  return `${words[loss]}: ${count.toLocaleString('en')}.`;
}
