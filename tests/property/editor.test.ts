/**
 * Thousands of random sessions at the label editor, beside a model that knows only what was committed. Whatever is done:
 * shapes stay shapes, nothing changes without a commit, undo gives back exactly what was, redo what was undone, and Escape
 * leaves no gesture.
 */
import { expect, test } from 'vitest';
import { polygonArea } from '../../src-main/contract/geometry/polygon.ts';
import { rleArea, rleProblem } from '../../src-main/contract/geometry/rle.ts';
import { annotationFlags, reviewStates, type Shape } from '../../src-main/contract/model/annotation.ts';
import { commands, type CommandId } from '../../src-renderer/canvas/editor/commands.ts';
import {
  toolIds,
  type Commit,
  type EditorImage,
  type Label,
  type ToolSettings,
} from '../../src-renderer/canvas/editor/types.ts';
import { cat, dog, EditorDriver, label } from '../helpers/editor-driver.ts';
import { seededRandom } from '../helpers/generated-data.ts';

const sessions = Number(process.env['FOVEA_SESSIONS'] ?? 2000);
const firstSeed = Number(process.env['FOVEA_SEED'] ?? 1);

/** What the labels must be: made from the commits alone. */
class Model {
  labels = new Map<number, Label>();
  #past: ReadonlyMap<number, Label>[] = [];
  #future: ReadonlyMap<number, Label>[] = [];

  constructor(labels: readonly Label[]) {
    for (const one of labels) this.labels.set(one.annotationId, one);
  }

  take({ kind, operations }: Commit): void {
    const before = new Map(this.labels);
    if (kind === 'edit') {
      for (const operation of operations) {
        if (operation.kind === 'remove') this.labels.delete(operation.before.annotationId);
        else if (operation.kind !== 'review') this.labels.set(operation.after.annotationId, operation.after);
      }
      this.#past.push(before);
      this.#future = [];
      return;
    }
    const [from, to] = kind === 'undo' ? [this.#past, this.#future] : [this.#future, this.#past];
    const state = from.pop();
    expect(state, `a ${kind} of nothing`).toBeDefined();
    to.push(before);
    this.labels = new Map(state);
  }

  get depth(): number {
    return this.#past.length;
  }
}

function session(seed: number): { commits: number; kinds: Set<string> } {
  const random = seededRandom(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const image = { widthPx: 16 + below(80), heightPx: 16 + below(80) };
  const x = (): number => (random() < 0.3 ? below(image.widthPx + 1) : random() * (image.widthPx + 40) - 20);
  const y = (): number => (random() < 0.3 ? below(image.heightPx + 1) : random() * (image.heightPx + 40) - 20);
  const first = Array.from({ length: below(5) }, (_, at) =>
    label(at + 1, randomShape(random, image), { z: below(3) - 1 }),
  );
  const driver = new EditorDriver({
    image,
    labels: first,
    skeleton: { categoryId: cat, points: ['a', 'b', 'c'], edges: [] },
  });
  const { editor } = driver;
  const model = new Model(driver.labels);
  editor.on('commit', (commit) => model.take(commit));
  const written = new Map<Label, string>(driver.labels.map((one) => [one, JSON.stringify(one)]));
  const check = (): void => {
    if (driver.labels.length !== model.labels.size) expect(driver.labels.length).toBe(model.labels.size);
    for (const one of driver.labels) {
      if (model.labels.get(one.annotationId) !== one) expect(one).toBe(model.labels.get(one.annotationId));
      if (written.has(one)) continue;
      written.set(one, JSON.stringify(one));
      const problem = shapeProblem(one.shape, image, editor.settings.clipToImage);
      if (problem !== null) throw new Error(`${problem}: ${JSON.stringify(one.shape)}`);
    }
    for (const id of editor.selection)
      if (!editor.document.get(id)) throw new Error(`label ${id} is selected but gone`);
  };
  const settings = (): Partial<ToolSettings> =>
    pick<Partial<ToolSettings>>([
      { categoryId: pick([cat, dog, null]) },
      { categoryId: cat },
      { boxByClicks: random() < 0.5 },
      { brush: { sizePx: 1 + below(40), shape: pick(['round', 'square']), pressure: random() < 0.3 } },
      { overlap: pick(['allow', 'remove-underneath', 'keep-underneath']) },
      { newObject: random() < 0.3 },
      { snap: random() < 0.5 },
      { wandContiguous: random() < 0.5, wandTolerance: below(80) },
    ]);
  /** What a person does with the tool, mostly to its end. */
  const gesture = (): void => {
    const tool = pick(toolIds);
    driver.tool(tool, random() < 0.8 && editor.settings.categoryId === null ? { categoryId: cat } : {});
    switch (tool) {
      case 'fill':
      case 'wand':
        return void driver.click(x(), y());
      case 'keypoints':
        for (let point = 0; point < 3; point++) driver.click(x(), y());
        return;
      case 'rotated-box':
        return void driver.drag(x(), y(), x(), y()).click(x(), y());
      case 'brush':
      case 'eraser':
        driver.down(x(), y());
        for (let stretch = below(4); stretch > 0; stretch--) driver.move(x(), y());
        return void driver.up();
      case 'select':
      case 'box':
        return void driver.drag(x(), y(), x(), y());
      case 'polygon':
      case 'cut-hole':
      case 'split':
      case 'lasso-add':
      case 'lasso-subtract':
        if (random() < 0.3) {
          driver.down(x(), y());
          for (let stretch = 2 + below(5); stretch > 0; stretch--) driver.move(x(), y());
          driver.up();
        } else {
          for (let point = 2 + below(5); point > 0; point--) driver.click(x(), y());
        }
        if (random() < 0.1) driver.undo();
        return void (random() < 0.9 && driver.key('Enter'));
    }
  };
  const anyId = (): number[] => (driver.labels.length === 0 ? [] : [pick(driver.labels).annotationId]);
  const ids = () => anyId() as Label['annotationId'][];
  const actions: readonly (() => unknown)[] = [
    () => driver.tool(pick(toolIds)),
    () => driver.tool(pick(toolIds), settings()),
    gesture,
    gesture,
    gesture,
    gesture,
    gesture,
    () => driver.drag(x(), y(), x(), y()),
    () => driver.click(x(), y()),
    () => driver.click(x(), y()),
    () => driver.doubleClick(x(), y()),
    () => driver.down(x(), y()),
    () => driver.move(x(), y()),
    () => driver.up(x(), y()),
    () => driver.click(x(), y(), 'secondary'),
    () => driver.key(pick(['Enter', 'Backspace', 'Delete', 'ArrowLeft', 'ArrowDown', '[', ']', 'n', 'q'])),
    () => driver.holding(pick([{}, {}, { shift: true }, { alt: true }, { ctrl: true }])),
    () => driver.wheel(random() - 0.5),
    () => driver.escape(),
    () => driver.undo(),
    () => driver.redo(),
    () => driver.select(...anyId(), ...anyId()),
    () => editor.selectAll(),
    () => editor.selectNext(pick([1, -1])),
    () => editor.run(pick(Object.keys(commands) as CommandId[])),
    () => pullHandle(driver, random, x(), y()),
    () => pullHandle(driver, random, x(), y()),
    () =>
      editor.setDetails(ids(), pick([{ categoryId: dog }, { note: `${below(3)}` }, { attributes: { a: below(3) } }])),
    () => editor.toggleFlag(ids(), pick(annotationFlags)),
    () => editor.tagImage(pick([cat, dog]), pick(['only', 'toggle'])),
    () => editor.setReview(pick(reviewStates)),
    () => editor.setHidden(ids(), random() < 0.3),
    () => editor.setLocked(ids(), random() < 0.3),
    () => editor.paste(driver.labels.slice(0, 2)),
  ];
  const rgba = new Uint8Array(image.widthPx * image.heightPx * 4).map((_, at) => ((at >> 5) * 37) & 0xff);
  editor.setPixels(() => ({ ...image, rgba, part: [0, 0, image.widthPx, image.heightPx] }));
  for (let turn = 0; turn < 40; turn++) {
    const depth = model.depth;
    pick(actions)();
    check();
    if (model.depth > depth && editor.isIdle && random() < 0.5) {
      // Undo of what was done gives back what was there, by identity.
      const after = driver.labels;
      const count = model.depth;
      driver.undo();
      check();
      expect(model.depth).toBe(count - 1);
      driver.redo();
      check();
      expect(driver.labels.every((one, at) => one === after[at])).toBe(true);
    }
  }
  driver.escape().expectState('idle');
  check();
  const last = [...driver.labels];
  let steps = 0;
  for (; editor.canUndo; steps++) driver.undo();
  check();
  expect(model.depth).toBe(0);
  for (let step = 0; step < steps; step++) driver.redo();
  check();
  expect(driver.labels).toEqual(last);
  // No label was ever changed in place.
  for (const [one, text] of written) if (JSON.stringify(one) !== text) expect(JSON.stringify(one)).toBe(text);
  const kinds = new Set(driver.commits.flatMap(({ kind, label: name }) => (kind === 'edit' ? [name] : [])));
  return { commits: driver.commits.length, kinds };
}

/** Random places hardly ever meet a handle of the selection. */
function pullHandle(driver: EditorDriver, random: () => number, x: number, y: number): void {
  driver.tool('select');
  if (driver.editor.selection.size === 0) driver.editor.selectNext(1);
  const { handles } = driver.editor.preview;
  const handle = handles[Math.floor(random() * handles.length)];
  if (handle !== undefined) driver.drag(handle.x, handle.y, x, y);
}

function randomShape(random: () => number, { widthPx, heightPx }: EditorImage): Shape {
  const [w, h] = [4 + random() * (widthPx - 8), 4 + random() * (heightPx - 8)].map(Math.floor) as [number, number];
  const [x, y] = [random() * (widthPx - w), random() * (heightPx - h)].map(Math.floor) as [number, number];
  const kind = Math.floor(random() * 4);
  if (kind === 0) return { kind: 'bbox', bboxXyxy: [x, y, x + w, y + h] };
  if (kind === 1) return { kind: 'polygon', parts: [{ outer: [x, y, x + w, y, x + w / 2, y + h], holes: [] }] };
  if (kind === 2)
    return { kind: 'rotated-box', cx: x + w / 2, cy: y + h / 2, widthPx: w, heightPx: h, angleDegrees: 30 };
  const counts = [x * heightPx + y];
  for (let column = 0; column < w; column++) counts.push(h, column < w - 1 ? heightPx - h : 0);
  const used = counts.reduce((sum, count) => sum + count, 0);
  counts[counts.length - 1] = (counts.at(-1) ?? 0) + widthPx * heightPx - used;
  return { kind: 'mask', rle: { widthPx, heightPx, counts } };
}

function shapeProblem(shape: Shape, image: EditorImage, clipped: boolean): string | null {
  const numbers = JSON.stringify(shape).includes('null') && shape.kind !== 'keypoints';
  if (numbers) return 'a coordinate is not a number';
  switch (shape.kind) {
    case 'classification':
      return null;
    case 'bbox': {
      const [x1, y1, x2, y2] = shape.bboxXyxy;
      if (!(x2 > x1 && y2 > y1)) return 'a box without area';
      const inside = x1 >= 0 && y1 >= 0 && x2 <= image.widthPx && y2 <= image.heightPx;
      return clipped && !inside ? 'a box outside the image' : null;
    }
    case 'rotated-box':
      return shape.widthPx > 0 && shape.heightPx > 0 ? null : 'a turned box without area';
    case 'polygon': {
      const rings = shape.parts.flatMap(({ outer, holes }) => [outer, ...holes]);
      if (rings.length === 0) return 'a polygon without parts';
      if (rings.some((ring) => ring.length < 6 || ring.length % 2 === 1)) return 'a ring without three points';
      const repeats = (ring: readonly number[]): boolean =>
        ring.some((value, at) => at % 2 === 0 && value === ring.at(at - 2) && ring[at + 1] === ring.at(at - 1));
      if (rings.some(repeats)) return 'a ring with a point twice in a row';
      const outside = (value: number, most: number): boolean => value < -0.01 || value > most + 0.01;
      const leaves = rings.flat().some((value, at) => outside(value, at % 2 === 0 ? image.widthPx : image.heightPx));
      if (clipped && leaves) return 'a polygon outside the image';
      // A ring that crosses itself may have a signed area of 0.
      return rings.length === 1 || polygonArea(shape.parts) >= 0 ? null : 'a polygon without area';
    }
    case 'mask': {
      const { rle } = shape;
      if (rle.widthPx !== image.widthPx || rle.heightPx !== image.heightPx) return 'a mask of another size';
      return rleProblem(rle) ?? (rleArea(rle) > 0 ? null : 'an empty mask');
    }
    case 'keypoints':
      return shape.points.some(({ visibility }) => visibility > 0) ? null : 'no point is there';
  }
}

test(`${sessions} random sessions from seed ${firstSeed} on`, { timeout: 120_000 }, () => {
  const kinds = new Map<string, number>();
  let commits = 0;
  for (let seed = firstSeed; seed < firstSeed + sessions; seed++) {
    try {
      const result = session(seed);
      commits += result.commits;
      for (const kind of result.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    } catch (error) {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    }
  }
  console.log(
    `editor: ${commits} commits; sessions with each: ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}`,
  );
  // Every tool and command was really used.
  expect(kinds.size).toBeGreaterThan(sessions < 1000 ? 0 : 30);
});
