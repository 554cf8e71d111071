/** What can be done with the selected labels, or with the image where none is, as the lines of a menu. */
import type { ShapeKind } from '../../../src-main/contract/model/annotation.ts';
import type { AnnotationId } from '../../../src-main/contract/model/ids.ts';
import type { CommandRegistry } from '../../state/commands.svelte.ts';
import type { AnnotateState } from '../../state/annotate-state.svelte.ts';
import { plural } from '../../ui/format-number.ts';
import type { MenuEntry } from '../../ui/menu-entry.ts';
import { shapeLabels } from './label-words.ts';

const separator: MenuEntry = { kind: 'separator' };

/** Of what the editor has selected at this moment. `withFields`: also lines that lead to fields of the panels. */
export function labelMenu(
  commands: CommandRegistry,
  annotate: AnnotateState,
  { withFields }: { withFields: boolean } = { withFields: true },
): MenuEntry[] {
  const { document, selection } = annotate.labels.editor;
  const selected = [...selection].flatMap((id) => document.get(id) ?? []);
  const action = (id: string, label: string): MenuEntry => ({
    kind: 'action',
    label,
    shortcut: commands.shortcutOf(`annotate.${id}`),
    run: () => commands.run(`annotate.${id}`),
  });
  const [first] = selected;
  if (first === undefined) {
    return [
      { ...action('paste', 'Paste'), disabled: !annotate.canPaste } as MenuEntry,
      action('select-all', 'Select all'),
      action('copy-previous', 'Copy the labels of the previous image'),
      separator,
      action('fit', 'Show the whole image'),
      action('actual', 'One image pixel per screen pixel'),
      action('labels', annotate.view.labelsShown ? 'Hide all labels' : 'Show all labels'),
      action('show-all', 'Show and unlock all'),
      action('grid', 'Classify many images at once'),
    ];
  }
  const kinds = new Set(selected.map(({ shape }) => shape.kind));
  const isArea = [...kinds].every((kind) => kind !== 'classification' && kind !== 'keypoints');
  const has = (...wanted: ShapeKind[]): boolean => wanted.some((kind) => kinds.has(kind));
  const every = (test: (id: AnnotationId) => boolean): boolean =>
    selected.every(({ annotationId }) => test(annotationId));
  const name = annotate.categories.get(first.categoryId)?.name ?? 'unknown class';
  const shapes = [
    ...(isArea && (kinds.size > 1 || !has('mask')) ? [action('to-mask', 'Turn into a mask')] : []),
    ...(isArea && (kinds.size > 1 || !has('polygon')) ? [action('to-polygon', 'Turn into a polygon')] : []),
    ...(has('mask', 'polygon') ? [action('to-smooth-polygon', 'Turn into a smooth polygon')] : []),
    ...(kinds.size > 1 || !has('bbox', 'classification') ? [action('to-box', 'Turn into a box')] : []),
    ...(isArea && !has('rotated-box') ? [action('to-turned-box', 'Turn into a rotated box')] : []),
    ...(isArea && selected.length > 1
      ? [
          action('union', 'Unite'),
          action('subtract', 'Subtract the later ones'),
          action('intersect', 'Keep what they share'),
        ]
      : []),
    ...(has('mask', 'polygon') ? [action('separate', 'Separate parts'), action('fill-holes', 'Fill the holes')] : []),
  ];
  return [
    {
      kind: 'heading',
      label: selected.length === 1 ? `${name}, ${shapeLabels[first.shape.kind]}` : plural(selected.length, 'label'),
    },
    ...(withFields ? [action('find-class', 'Change the class…')] : []),
    ...(withFields && selected.length === 1 ? [action('note', 'Write a note')] : []),
    action('hide', every((id) => document.isHidden(id)) ? 'Show' : 'Hide'),
    action('lock', every((id) => document.isLocked(id)) ? 'Unlock' : 'Lock'),
    action('zoom-selection', 'Zoom in on it'),
    separator,
    action('copy', 'Copy'),
    action('duplicate', 'Duplicate'),
    action('propagate', 'Copy to the next image'),
    separator,
    ...shapes,
    ...(shapes.length > 0 ? [separator] : []),
    action('front', 'Bring to the front'),
    action('forward', 'Bring forward'),
    action('backward', 'Send backward'),
    action('back', 'Send to the back'),
    separator,
    { ...action('delete', 'Delete'), danger: true } as MenuEntry,
  ];
}
