/**
 * Keys for people who come from another labelling tool. Each names the commands whose keys differ from ours; null takes a
 * key away because the other tool uses it for something else. Sources: the shortcut lists in the manuals of CVAT, labelme
 * and Label Studio.
 */

export type KeyPresetId = 'fovea' | 'cvat' | 'labelme' | 'label-studio';

export interface KeyPreset {
  label: string;
  /** By command; absent: as the command says. */
  keys: Readonly<Record<string, string | null>>;
}

export const keyPresets: Readonly<Record<KeyPresetId, KeyPreset>> = {
  fovea: { label: 'Fovea', keys: {} },
  cvat: {
    label: 'As in CVAT',
    keys: {
      'annotate.next': 'F',
      'annotate.previous': 'D',
      'annotate.next-to-do': 'Shift+F',
      'annotate.tool.fill': 'U',
      'annotate.tool.box': 'N',
      'annotate.next-object': '.',
      'annotate.previous-object': ',',
      'annotate.hide': 'H',
      'annotate.lock': 'L',
      'annotate.occluded': 'Q',
      'annotate.labels': 'Shift+Q',
      'annotate.tool.cut-hole': 'Shift+H',
      'annotate.tool.lasso-add': 'I',
      'annotate.tool.lasso-subtract': 'Mod+L',
      'annotate.tool.brush': 'Shift+B',
      'annotate.tool.eraser': 'Shift+E',
      'annotate.to-box': null,
      'annotate.union': 'M',
      'annotate.front': '=',
      'annotate.back': null,
      'annotate.duplicate': 'Mod+B',
    },
  },
  labelme: {
    label: 'As in labelme',
    keys: {
      'annotate.next': 'D',
      'annotate.previous': 'A',
      'annotate.tool.polygon': 'Mod+N',
      'annotate.tool.box': 'Mod+R',
      'annotate.tool.select': 'Mod+J',
      'annotate.duplicate': 'Mod+D',
      'annotate.fit': 'Mod+F',
      'annotate.actual': 'Mod+0',
      'annotate.zoom-in': 'Mod++',
      'annotate.zoom-out': 'Mod+-',
      'annotate.find-class': 'Mod+E',
      'annotate.labels': 'Mod+H',
    },
  },
  'label-studio': {
    label: 'As in Label Studio',
    keys: {
      'annotate.done': 'Mod+Enter',
      'annotate.tool.box': 'R',
      'annotate.tool.polygon': 'P',
      'annotate.tool.brush': 'B',
      'annotate.tool.eraser': 'E',
      'annotate.tool.keypoints': 'K',
      'annotate.tool.split': 'Shift+J',
      'annotate.tool.select': 'V',
      'annotate.hide': 'Alt+H',
      'annotate.lock': 'Alt+L',
      'annotate.next-object': 'Alt+.',
      'annotate.previous-object': 'Alt+,',
      'annotate.next': 'PageDown',
      'annotate.previous': 'PageUp',
    },
  },
};
