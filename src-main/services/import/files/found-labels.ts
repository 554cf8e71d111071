/**
 * The labels of a large label file by the image that they are of. Plain boxes, which are nearly all of a large data set,
 * are kept as numbers: as objects, a million of them would cost hundreds of megabytes and most of the reading time.
 */
import type { CocoLabel } from '../../../formats/coco.ts';

export type FoundLabel = Omit<CocoLabel, 'imageId' | 'note'> & { line: number };

/** Of a label: the class's number, the line, x1, y1, x2, y2. */
const NUMBERS = 6;

export class FoundLabels {
  #numbers = new Float64Array(NUMBERS * 1024);
  /** The label after each one of the same image; the first after the last. */
  #next = new Int32Array(1024);
  #count = 0;
  #lastOf = new Map<number, number>();
  /** Labels that are more than a box. */
  #others = new Map<number, Pick<FoundLabel, 'shape' | 'flags' | 'attributes'>>();

  add(imageId: number, { categoryId, shape, flags, attributes, line }: FoundLabel): void {
    const label = this.#count++;
    if (label === this.#next.length) this.#grow();
    const at = label * NUMBERS;
    this.#numbers[at] = categoryId;
    this.#numbers[at + 1] = line;
    if (shape.kind === 'bbox' && flags.length === 0 && isEmpty(attributes)) {
      for (let side = 0; side < 4; side++) this.#numbers[at + 2 + side] = shape.bboxXyxy[side] ?? 0;
    } else {
      this.#others.set(label, { shape, flags, attributes });
    }
    const last = this.#lastOf.get(imageId);
    this.#next[label] = last === undefined ? label : (this.#next[last] ?? label);
    if (last !== undefined) this.#next[last] = label;
    this.#lastOf.set(imageId, label);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Images that have labels. */
  imageIds(): Iterable<number> {
    return this.#lastOf.keys();
  }

  /** In the order in which they were added. */
  of(imageId: number): FoundLabel[] {
    const last = this.#lastOf.get(imageId);
    if (last === undefined) return [];
    const labels: FoundLabel[] = [];
    let label = last;
    do {
      label = this.#next[label] ?? last;
      labels.push(this.#read(label));
    } while (label !== last);
    return labels;
  }

  #read(label: number): FoundLabel {
    const at = label * NUMBERS;
    const number = (place: number): number => this.#numbers[at + place] ?? 0;
    const [categoryId, line] = [number(0), number(1)];
    const other = this.#others.get(label);
    if (other !== undefined) return { ...other, categoryId, line };
    const bboxXyxy: [number, number, number, number] = [number(2), number(3), number(4), number(5)];
    return { categoryId, line, shape: { kind: 'bbox', bboxXyxy }, flags: [], attributes: {} };
  }

  #grow(): void {
    const [numbers, next] = [this.#numbers, this.#next];
    this.#numbers = new Float64Array(numbers.length * 2);
    this.#numbers.set(numbers);
    this.#next = new Int32Array(next.length * 2);
    this.#next.set(next);
  }
}

function isEmpty(attributes: object): boolean {
  for (const _name in attributes) return false;
  return true;
}
