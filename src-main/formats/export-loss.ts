/** What a format cannot hold of a label, in words; counted before an export, so that nothing is lost in silence. */
import type { Annotation } from '../contract/model/annotation.ts';
import type { ExportFormat } from '../contract/model/dataset-export.ts';

type Label = Pick<Annotation, 'shape' | 'flags' | 'attributes' | 'provenance'>;

const words = {
  tag: 'classes of whole images are left out',
  becomesBox: 'shapes become the box around them',
  staysBox: 'boxes stay boxes among the outlines',
  hole: 'outlines lose their holes',
  parts: 'outlines of several parts become one object for each part',
  holeMask: 'outlines with holes become masks',
  keypoints: 'sets of keypoints become the box around them',
  flags: 'labels lose their flags (occluded, truncated, difficult, crowd)',
  someFlags: 'labels lose the flags occluded, truncated or difficult',
  attributes: 'labels lose their attributes',
  score: 'labels made by a model lose where they come from',
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
  return `${count.toLocaleString('en')} ${words[loss]}.`;
}
