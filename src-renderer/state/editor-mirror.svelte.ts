/** The editor core as components see it: its events turned into reactive values. Holds nothing of its own. */
import type { Editor } from '../canvas/editor/editor.ts';
import type { Preview, ToolId, ToolSettings } from '../canvas/editor/types.ts';
import type { AnnotationId } from '../../src-main/contract/model/ids.ts';

export class EditorMirror {
  readonly editor: Editor;
  /** Counts changes of the document; read it before the document. */
  version = $state(0);
  selection = $state.raw<ReadonlySet<AnnotationId>>(new Set());
  tool = $state.raw<ToolId>('select');
  settings: ToolSettings;
  preview: Preview;

  constructor(editor: Editor) {
    this.editor = editor;
    this.settings = $state.raw(editor.settings);
    this.preview = $state.raw(editor.preview);
    this.selection = editor.selection;
    this.tool = editor.tool;
  }

  /** Returns a function that ends the following. */
  follow(): () => void {
    const { editor } = this;
    const stops = [
      editor.on('document', () => (this.version += 1)),
      editor.on('selection', (selection) => (this.selection = selection)),
      editor.on('tool', (tool) => (this.tool = tool)),
      editor.on('settings', (settings) => (this.settings = settings)),
      editor.on('preview', (preview) => (this.preview = preview)),
    ];
    return () => stops.forEach((stop) => stop());
  }
}
