/** The tools as the screen shows them, in the order of the bar. */
import BoxSelect from '@lucide/svelte/icons/square-dashed';
import Brush from '@lucide/svelte/icons/brush';
import CircleDotDashed from '@lucide/svelte/icons/circle-dot-dashed';
import Diamond from '@lucide/svelte/icons/diamond';
import Eraser from '@lucide/svelte/icons/eraser';
import Lasso from '@lucide/svelte/icons/lasso';
import LassoSelect from '@lucide/svelte/icons/lasso-select';
import MousePointer from '@lucide/svelte/icons/mouse-pointer-2';
import PaintBucket from '@lucide/svelte/icons/paint-bucket';
import PersonStanding from '@lucide/svelte/icons/person-standing';
import Slice from '@lucide/svelte/icons/slice';
import VectorPolygon from '@lucide/svelte/icons/pentagon';
import Wand from '@lucide/svelte/icons/wand-sparkles';
import type { ToolId } from '../../canvas/editor/types.ts';
import type { Icon } from '../../ui/icon.ts';

export interface ToolEntry {
  id: ToolId;
  label: string;
  icon: Icon;
  shortcut: string;
  /** One sentence: how it is used. */
  hint: string;
  /** Tools of a group stand together. */
  group: 'select' | 'shapes' | 'masks';
}

export const tools: readonly ToolEntry[] = [
  {
    id: 'select',
    label: 'Select and move',
    icon: MousePointer,
    shortcut: 'V',
    hint: 'Click selects, a drag moves, handles resize. Shift adds to the selection. Ctrl moves a shared corner alone.',
    group: 'select',
  },
  {
    id: 'box',
    label: 'Box',
    icon: BoxSelect,
    shortcut: 'B',
    hint: 'Drag from corner to corner, or click twice.',
    group: 'shapes',
  },
  {
    id: 'rotated-box',
    label: 'Rotated box',
    icon: Diamond,
    shortcut: 'O',
    hint: 'Drag along one side, then click for the width.',
    group: 'shapes',
  },
  {
    id: 'polygon',
    label: 'Polygon',
    icon: VectorPolygon,
    shortcut: 'P',
    hint: 'Click each corner, or drag freehand. Enter or a click on the first corner closes it. Shift keeps to a neighbour’s border.',
    group: 'shapes',
  },
  {
    id: 'cut-hole',
    label: 'Cut a hole',
    icon: CircleDotDashed,
    shortcut: 'H',
    hint: 'Draw the hole inside the selected polygon or mask.',
    group: 'shapes',
  },
  {
    id: 'split',
    label: 'Split',
    icon: Slice,
    shortcut: 'K',
    hint: 'Draw a line across the selected object.',
    group: 'shapes',
  },
  {
    id: 'keypoints',
    label: 'Keypoints',
    icon: PersonStanding,
    shortcut: 'J',
    hint: 'Click each point of the skeleton in its order; Shift for a hidden one, N or the right button for one that is not there.',
    group: 'shapes',
  },
  {
    id: 'brush',
    label: 'Brush',
    icon: Brush,
    shortcut: 'M',
    hint: 'Paints a mask. Brackets, or Alt with the wheel, change the size.',
    group: 'masks',
  },
  {
    id: 'eraser',
    label: 'Eraser',
    icon: Eraser,
    shortcut: 'E',
    hint: 'Takes away from the selected mask.',
    group: 'masks',
  },
  {
    id: 'lasso-add',
    label: 'Lasso, add',
    icon: Lasso,
    shortcut: 'L',
    hint: 'Adds what is encircled to the mask.',
    group: 'masks',
  },
  {
    id: 'lasso-subtract',
    label: 'Lasso, take away',
    icon: LassoSelect,
    shortcut: 'Shift+L',
    hint: 'Takes what is encircled from the mask.',
    group: 'masks',
  },
  {
    id: 'fill',
    label: 'Fill',
    icon: PaintBucket,
    shortcut: 'F',
    hint: 'Fills the enclosed area under the pointer.',
    group: 'masks',
  },
  {
    id: 'wand',
    label: 'Magic wand',
    icon: Wand,
    shortcut: 'W',
    hint: 'Takes pixels of a similar colour, of a large image those in sight. The tolerance is in the bar above.',
    group: 'masks',
  },
];
