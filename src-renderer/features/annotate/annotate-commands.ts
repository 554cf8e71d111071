/** Everything that can be done on the Annotate screen, by name and by key. */
import type { Editor } from '../../canvas/editor/editor.ts';
import type { AnnotateState } from '../../state/annotate-state.svelte.ts';
import type { Command } from '../../state/commands.svelte.ts';
import { tools } from './tools.ts';

/** What the screen does itself. */
export interface AnnotateActions {
  /** Many images are shown to be classified, and no canvas. */
  isGrid(): boolean;
  step(by: number): void;
  nextToDo(): void;
  setReview(review: 'to-do' | 'needs-review' | 'done' | 'rejected', advance: boolean): void;
  undo(): void;
  redo(): void;
  copyFromPrevious(): void;
  propagate(): void;
  findClass(): void;
  newClass(): void;
  editClasses(part: 'classes' | 'skeletons' | 'attributes'): void;
  showNote(): void;
  chooseClassAt(place: number): void;
  focusCanvas(): void;
  toGrid(): void;
  toData(): void;
}

export function annotateCommands(annotate: AnnotateState, actions: AnnotateActions): Command[] {
  const { view, mirror } = annotate;
  const { editor } = annotate.labels;
  const hasSelection = (): boolean => mirror.selection.size > 0;
  const command = (
    id: string,
    label: string,
    shortcut: string | undefined,
    run: () => void,
    enabled?: () => boolean,
  ): Command => ({
    id: `annotate.${id}`,
    label,
    group: 'Annotate',
    ...(shortcut === undefined ? {} : { shortcut }),
    ...(enabled === undefined ? {} : { enabled }),
    run,
  });
  const operation = (name: Parameters<Editor['run']>[0], label: string, shortcut?: string): Command =>
    command(name, label, shortcut, () => void editor.run(name), hasSelection);
  const toggle = (name: Parameters<typeof view.flag>[0], label: string, shortcut?: string): Command =>
    command(`view.${name}`, label, shortcut, () => view.setFlag(name, !view.flag(name)));

  const commands = [
    ...tools.map((tool) =>
      command(`tool.${tool.id}`, `Tool: ${tool.label}`, tool.shortcut, () => {
        annotate.tagging = false;
        editor.setTool(tool.id);
        actions.focusCanvas();
      }),
    ),
    command('tool.tag', 'Tool: Class of the whole image', 'T', () => {
      annotate.tagging = !annotate.tagging;
      // Nothing is drawn meanwhile.
      editor.setTool('select');
    }),

    command('next', 'Next image', 'D', () => actions.step(1)),
    command('previous', 'Previous image', 'A', () => actions.step(-1)),
    command('next-to-do', 'Next image that is to do', 'Shift+D', actions.nextToDo),
    command('done', 'Done, and the next image', 'Mod+Enter', () => actions.setReview('done', true)),
    command('needs-review', 'Needs review, and the next image', 'Shift+R', () =>
      actions.setReview('needs-review', true),
    ),
    command('reject', 'Reject the image, and the next one', 'Shift+X', () => actions.setReview('rejected', true)),
    command('to-do', 'Mark the image as to do', undefined, () => actions.setReview('to-do', false)),

    command('undo', 'Undo', 'Mod+Z', actions.undo),
    command('redo', 'Redo', 'Mod+Shift+Z', actions.redo),
    operation('delete', 'Delete the selected labels', 'Delete'),
    operation('duplicate', 'Duplicate the selected labels', 'Mod+D'),
    command('select-all', 'Select all labels', 'Mod+A', () => editor.selectAll()),
    command('copy', 'Copy the selected labels', 'Mod+C', () => annotate.copySelection(), hasSelection),
    command(
      'paste',
      'Paste labels',
      'Mod+V',
      () => annotate.paste(),
      () => annotate.canPaste,
    ),
    command('next-object', 'Select the next label', 'N', () => editor.selectNext(1)),
    command('previous-object', 'Select the previous label', 'Shift+N', () => editor.selectNext(-1)),
    command('copy-previous', 'Copy the labels of the previous image', 'C', actions.copyFromPrevious),
    command('propagate', 'Copy the selected labels to the next image', 'Shift+C', actions.propagate, hasSelection),

    ...Array.from({ length: 10 }, (_, place) =>
      command(`class.${place + 1}`, `Class ${place + 1}`, String((place + 1) % 10), () => actions.chooseClassAt(place)),
    ),
    command('find-class', 'Choose a class by typing', '/', actions.findClass),
    command('new-class', 'New class…', undefined, actions.newClass),
    command('classes', 'Edit classes: order, names, merge, delete…', undefined, () => actions.editClasses('classes')),
    command('skeletons', 'Edit skeletons of keypoints…', undefined, () => actions.editClasses('skeletons')),
    command('attributes', 'Edit attributes of labels…', undefined, () => actions.editClasses('attributes')),
    command('swap-class', 'The class before this one', 'X', () => annotate.swapCategory()),
    command('note', 'Write a note on the selected label', undefined, actions.showNote, hasSelection),

    command('occluded', 'Occluded, or not', 'Shift+O', () => flag(editor, 'occluded'), hasSelection),
    command('truncated', 'Truncated, or not', 'Shift+T', () => flag(editor, 'truncated'), hasSelection),
    command('difficult', 'Difficult, or not', undefined, () => flag(editor, 'difficult'), hasSelection),
    command('crowd', 'A crowd, or not', undefined, () => flag(editor, 'crowd'), hasSelection),
    command('hide', 'Hide or show the selected labels', 'Shift+H', () => hide(editor), hasSelection),
    command('lock', 'Lock or unlock the selected labels', 'Shift+K', () => lock(editor), hasSelection),
    command('show-all', 'Show and unlock all labels', undefined, () => showAll(annotate)),
    command('smaller-brush', 'Smaller brush', '[', () => resizeBrush(editor, 1 / 1.25)),
    command('larger-brush', 'Larger brush', ']', () => resizeBrush(editor, 1.25)),

    operation('front', 'Bring to the front', 'Mod+]'),
    operation('back', 'Send to the back', 'Mod+['),
    operation('forward', 'Bring forward'),
    operation('backward', 'Send backward'),
    operation('to-mask', 'Turn into a mask', 'Shift+M'),
    operation('to-polygon', 'Turn into a polygon', 'Shift+P'),
    operation('to-smooth-polygon', 'Turn into a smooth polygon'),
    operation('to-box', 'Turn into a box', 'Shift+B'),
    operation('to-turned-box', 'Turn into a rotated box'),
    operation('union', 'Unite the selected areas', 'Shift+U'),
    operation('subtract', 'Subtract the later from the first selected area', 'Shift+S'),
    operation('intersect', 'Keep what the selected areas share', 'Shift+I'),
    operation('separate', 'Separate parts into objects'),
    operation('fill-holes', 'Fill the holes'),

    command('zoom-in', 'Zoom in', '+', () => view.zoomIn()),
    command('zoom-out', 'Zoom out', '-', () => view.zoomOut()),
    command('fit', 'Show the whole image', 'Z', () => view.fit()),
    command('actual', 'One image pixel per screen pixel', 'Shift+Z', () => view.zoomTo(1)),
    command('zoom-selection', 'Zoom to the selection', 'S', () => zoomToSelection(annotate), hasSelection),
    command('labels', 'Show or hide all labels', 'Q', () => (view.labelsShown = !view.labelsShown)),
    command('compare', 'Compare two sets of labels', 'Shift+V', () => {
      if (annotate.comparison.isOn) annotate.comparison.close();
      else {
        // A selection is drawn over both sides.
        editor.select([]);
        void annotate.comparison.open();
      }
    }),
    toggle('names', 'Show or hide names on labels'),
    toggle('crosshair', 'Show or hide the crosshair'),
    toggle('rulers', 'Show or hide the rulers'),
    toggle('minimap', 'Show or hide the overview'),
    toggle('pixelLines', 'Show or hide lines between pixels'),
    toggle('keepsZoom', 'Keep the zoom from image to image'),
    command('canvas', 'Go to the canvas', 'Shift+Enter', actions.focusCanvas),
    command('grid', 'Classify many images at once, or one by one', 'Y', actions.toGrid),
    command('data', 'Back to the data', undefined, actions.toData),
  ];
  // The canvas that is not in sight is not changed.
  return commands.map((entry) =>
    worksInGrid.test(entry.id) ? entry : { ...entry, enabled: () => !actions.isGrid() && (entry.enabled?.() ?? true) },
  );
}

const worksInGrid =
  /^annotate\.(class\..*|undo|redo|done|needs-review|reject|to-do|find-class|new-class|classes|skeletons|attributes|canvas|grid|data)$/;

function flag(editor: Editor, name: Parameters<Editor['toggleFlag']>[1]): void {
  editor.toggleFlag([...editor.selection], name);
}

function hide(editor: Editor): void {
  const ids = [...editor.selection];
  editor.setHidden(ids, !ids.every((id) => editor.document.isHidden(id)));
}

function lock(editor: Editor): void {
  const ids = [...editor.selection];
  editor.setLocked(ids, !ids.every((id) => editor.document.isLocked(id)));
}

function showAll({ labels: { editor }, categories }: AnnotateState): void {
  const ids = editor.document.ordered.map(({ annotationId }) => annotationId);
  editor.setHidden(ids, false);
  editor.setLocked(ids, false);
  for (const categoryId of categories.keys()) {
    editor.setClassHidden(categoryId, false);
    editor.setClassLocked(categoryId, false);
  }
}

const [smallestBrushPx, largestBrushPx] = [1, 1000];

function resizeBrush(editor: Editor, factor: number): void {
  const { brush } = editor.settings;
  const wanted = Math.round(brush.sizePx * factor);
  const changed = wanted === brush.sizePx ? wanted + Math.sign(factor - 1) : wanted;
  editor.set({ brush: { ...brush, sizePx: Math.min(largestBrushPx, Math.max(smallestBrushPx, changed)) } });
}

function zoomToSelection({ labels: { editor }, view }: AnnotateState): void {
  const boxes = [...editor.selection].flatMap((id) => [editor.document.bounds(id)].filter((box) => box !== null));
  if (boxes.length === 0) return;
  view.showPart([
    Math.min(...boxes.map(([x1]) => x1)),
    Math.min(...boxes.map(([, y1]) => y1)),
    Math.max(...boxes.map(([, , x2]) => x2)),
    Math.max(...boxes.map(([, , , y2]) => y2)),
  ]);
}
