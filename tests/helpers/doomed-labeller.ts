/**
 * A process to be killed by a test: labels the images of the project in its first argument, as the seed in its second says,
 * for ever. The editor makes the gestures, the services save them. Before a gesture is sent it writes what the image's
 * labels will be, and once it is saved that it is: one line of JSON each, at once, so that a kill takes no line with it.
 */
import { writeSync } from 'node:fs';
import type { Handlers } from '../../src-main/contract/ipc.ts';
import type { ImageId } from '../../src-main/contract/model/ids.ts';
import { BulkGestures } from '../../src-main/services/annotate/bulk-gestures.ts';
import { createAnnotateHandlers } from '../../src-main/services/annotate/handlers.ts';
import { JobRegistry } from '../../src-main/services/jobs.ts';
import { OpenProjects } from '../../src-main/services/open-projects.ts';
import { commands, type CommandId } from '../../src-renderer/canvas/editor/commands.ts';
import { Editor } from '../../src-renderer/canvas/editor/editor.ts';
import { noModifiers, type Commit, type Label } from '../../src-renderer/canvas/editor/types.ts';
import { imagePoint } from '../../src-renderer/canvas/viewport.ts';
import { editsOf } from '../../src-renderer/state/label-jobs.ts';
import { seededRandom } from './generated-data.ts';
import { contentOf, type LabellerLine } from './kill-rounds.ts';

const [folder = '', seed = '1'] = process.argv.slice(2);
const say = (line: LabellerLine): void => void writeSync(1, `${JSON.stringify(line)}\n`);

const projects = new OpenProjects();
const emit = (): void => undefined;
const { store, project } = await projects.open(folder);
const { projectId } = project;
const handlers: Pick<
  Handlers,
  'annotation.open' | 'annotation.reserveIds' | 'annotation.apply' | 'annotation.undo' | 'annotation.redo'
> = createAnnotateHandlers({ projects, emit }, new BulkGestures(projects, emit, new JobRegistry(emit)));
const random = seededRandom(Number(seed));
const below = (count: number): number => Math.floor(random() * count);
const pick = <T>(values: readonly T[]): T => values[below(values.length)] as T;
const images = store.database.prepare<[], { imageId: ImageId; widthPx: number; heightPx: number }>(
  'SELECT id AS imageId, width AS widthPx, height AS heightPx FROM image ORDER BY id',
);
const categories = store.datasets.categories(store.datasets.list()[0]?.datasetId as never);

let { first: nextId } = await handlers['annotation.reserveIds']({ projectId, count: 100_000 });
let gestures = 0;
const nextGesture = (): string => `${seed}:${process.pid}:${++gestures}`;
/** With what the labels were right after each: an act may make two. */
const commits: { commit: Commit; content: string }[] = [];
const editor = new Editor({
  nextAnnotationId: () => nextId++ as typeof nextId,
  nextGestureId: nextGesture,
  skeletonOf: () => null,
});
editor.on('commit', (commit) => {
  const { ordered, review } = editor.document;
  commits.push({ commit, content: contentOf(ordered, review) });
});
say({ kind: 'ready' });

for (;;) {
  const image = pick(images.all());
  const opened = await handlers['annotation.open']({ projectId, imageId: image.imageId });
  let { version } = opened;
  editor.load(image, opened.annotations, opened.review);
  for (let turn = 0; turn < 12; turn++) {
    editor.set({ categoryId: pick(categories).categoryId });
    act();
    for (const made of commits.splice(0)) version = await save(image.imageId, made, version);
  }
}

/** As the renderer does: one gesture is on the disk before the next is sent. */
async function save(
  imageId: ImageId,
  { commit, content }: (typeof commits)[number],
  baseVersion: number,
): Promise<number> {
  if (commit.kind === 'edit') {
    const { gestureId, label } = commit;
    say({ kind: 'sent', imageId, gestureId, content });
    const request = { projectId, imageId, gestureId, label, baseVersion, edits: editsOf(commit) };
    const result = await handlers['annotation.apply'](request);
    say({ kind: 'saved', imageId, gestureId });
    return result.version;
  }
  const gestureId = nextGesture();
  say({ kind: 'sent', imageId, gestureId, content });
  const result = await handlers[`annotation.${commit.kind}`]({ projectId, gestureId, target: commit.gestureId });
  if (result.outcome !== 'done') throw new Error(`${commit.kind} of ${commit.gestureId}: ${result.outcome}`);
  say({ kind: 'saved', imageId, gestureId });
  return result.images[0]?.version ?? baseVersion;
}

function act(): void {
  const at = () => ({ point: imagePoint(below(640), below(480)), tolerance: 3, pressure: 0.5, ...noModifiers });
  const drag = (): void => {
    editor.handle({ kind: 'down', button: 'primary', ...at() });
    for (let move = 0; move < 3; move++) editor.handle({ kind: 'move', ...at() });
    editor.handle({ kind: 'up', button: 'primary', ...at() });
  };
  const ids = (): Label['annotationId'][] =>
    editor.document.ordered.slice(-1 - below(3)).map(({ annotationId }) => annotationId);
  const actions: (() => unknown)[] = [
    () => (editor.setTool('box'), drag()),
    () => (editor.setTool('brush'), drag()),
    () => (editor.setTool('lasso-add'), drag()),
    () => (editor.select(ids()), editor.setTool('select'), drag()),
    () => (editor.select(ids()), editor.run(pick(Object.keys(commands) as CommandId[]))),
    () => editor.setDetails(ids(), { note: `note ${below(100)}` }),
    () => editor.setReview(pick(['done', 'to-do', 'needs-review'])),
    () => editor.undo(),
    () => editor.undo(),
    () => editor.redo(),
  ];
  pick(actions)();
  if (editor.document.size > 30) {
    editor.selectAll();
    editor.run('delete');
  }
}
