/**
 * The editor of one image's labels: a document, a tool, a selection, and undo. Whoever draws feeds it events and draws
 * `document` and `preview`; whoever saves listens to `commit`. A gesture changes the document once, when it is complete.
 */
import { annotationFlags, type AnnotationFlag, type ReviewState } from '../../../src-main/contract/model/annotation.ts';
import type { AnnotationId, CategoryId } from '../../../src-main/contract/model/ids.ts';
import type { ImagePoint } from '../viewport.ts';
import { commandOperations, commands, copies, type CommandId } from './commands.ts';
import { hitTest, outlineRings } from './hit-test.ts';
import { History, inverse, type HistoryEntry } from './history.ts';
import { LabelDocument } from './label-document.ts';
import { changedContent } from './same-label.ts';
import { boundsOf } from './shape-bounds.ts';
import { tidyShape } from './shape-edits.ts';
import { snapPoint, type Snapped } from './snapping.ts';
import { createTool } from './tools/index.ts';
import type { Tool, ToolContext } from './tools/tool.ts';
import type {
  EditOperation,
  EditorEvents,
  EditorImage,
  EditorOptions,
  Label,
  LabelDetails,
  PixelReader,
  Preview,
  ToolEvent,
  ToolId,
  ToolSettings,
} from './types.ts';

const firstSettings: ToolSettings = {
  categoryId: null,
  boxByClicks: false,
  brush: { sizePx: 20, shape: 'round', pressure: false },
  overlap: 'allow',
  newObject: false,
  wandTolerance: 24,
  wandContiguous: true,
  snap: false,
  freehandTolerancePx: 1,
  clipToImage: true,
};

const noPreview: Preview = {
  shapes: [],
  path: null,
  mask: null,
  brush: null,
  handles: [],
  guides: [],
  marquee: null,
  hovered: null,
  cursor: 'default',
  readout: null,
};

type Listeners = { [E in keyof EditorEvents]: Set<(payload: EditorEvents[E]) => void> };

export class Editor {
  readonly #options: EditorOptions;
  readonly #context: ToolContext;
  readonly #history = new History();
  readonly #listeners: Listeners = {
    document: new Set(),
    preview: new Set(),
    selection: new Set(),
    tool: new Set(),
    settings: new Set(),
    commit: new Set(),
    notice: new Set(),
  };
  #document = new LabelDocument({ widthPx: 1, heightPx: 1 }, [], 'to-do');
  #settings = firstSettings;
  #selection: ReadonlySet<AnnotationId> = new Set();
  #pixels: PixelReader | null = null;
  #tool: Tool;
  /** Null: to be made anew. */
  #preview: Preview | null = null;

  constructor(options: EditorOptions) {
    this.#options = options;
    this.#context = this.#makeContext();
    this.#tool = createTool('select', this.#context);
  }

  get document(): LabelDocument {
    return this.#document;
  }
  get tool(): ToolId {
    return this.#tool.id;
  }
  get toolState(): string {
    return this.#tool.state;
  }
  get isIdle(): boolean {
    return this.#tool.state === 'idle';
  }
  get settings(): ToolSettings {
    return this.#settings;
  }
  get selection(): ReadonlySet<AnnotationId> {
    return this.#selection;
  }
  get canUndo(): boolean {
    return !this.isIdle || this.#history.canUndo;
  }
  get canRedo(): boolean {
    return this.#history.canRedo;
  }

  get preview(): Preview {
    this.#preview ??= { ...noPreview, ...this.#tool.preview() };
    return this.#preview;
  }

  /** Another image. What is in progress is given up; nothing is selected; classes that are hidden or locked stay so. */
  load(image: EditorImage, labels: readonly Label[], review: ReviewState): void {
    this.#tool.cancel();
    const document = new LabelDocument(image, labels, review);
    document.takeClassesFrom(this.#document);
    this.#document = document;
    this.#history.clear();
    this.#pixels = null;
    this.select([]);
    this.#emit('document', { changed: new Set(), all: true });
    this.#refresh();
  }

  /** Returns a function that ends the subscription. */
  on<E extends keyof EditorEvents>(event: E, listener: (payload: EditorEvents[E]) => void): () => void {
    this.#listeners[event].add(listener);
    return () => this.#listeners[event].delete(listener);
  }

  /** True where the event meant something; the page should then not act on it as well. */
  handle(event: ToolEvent): boolean {
    const used = event.kind === 'cancel' ? this.#cancel() : this.#tool.handle(event);
    this.#refresh();
    return used;
  }

  /** What is in progress is given up. */
  setTool(id: ToolId): void {
    if (id === this.#tool.id) return;
    this.#tool.cancel();
    this.#tool = createTool(id, this.#context);
    this.#emit('tool', id);
    this.#refresh();
  }

  set(patch: Partial<ToolSettings>): void {
    this.#settings = { ...this.#settings, ...patch };
    this.#emit('settings', this.#settings);
    this.#refresh();
  }

  /** In the order in which they were chosen. Ids that are not there are left out. */
  select(annotationIds: Iterable<AnnotationId>): void {
    const selection = new Set(
      [...annotationIds].filter((annotationId) => this.#document.get(annotationId) !== undefined),
    );
    const isSame = selection.size === this.#selection.size && [...selection].every((id) => this.#selection.has(id));
    if (isSame) return;
    this.#selection = selection;
    this.#emit('selection', selection);
    this.#refresh();
  }

  selectAll(): void {
    const { document } = this;
    this.select(
      document.ordered.flatMap(({ annotationId }) => (document.isEditable(annotationId) ? [annotationId] : [])),
    );
  }

  /** The label after (1) or before (-1) the selected one, from top left to bottom right, round and round. */
  selectNext(step: 1 | -1): void {
    const { document } = this;
    const inReadingOrder = document.ordered
      .filter(({ annotationId, shape }) => document.isEditable(annotationId) && boundsOf(shape) !== null)
      .map(({ annotationId, shape }) => ({ annotationId, box: boundsOf(shape) ?? [0, 0, 0, 0] }))
      .sort((a, b) => a.box[1] - b.box[1] || a.box[0] - b.box[0]);
    if (inReadingOrder.length === 0) return;
    const at = inReadingOrder.findIndex(({ annotationId }) => this.#selection.has(annotationId));
    const next = at === -1 ? (step === 1 ? 0 : -1) : at + step;
    const chosen = inReadingOrder.at(next % inReadingOrder.length);
    if (chosen !== undefined) this.select([chosen.annotationId]);
  }

  hitTest(point: ImagePoint, tolerance: number): Label | null {
    return hitTest(this.#document, point, tolerance);
  }

  /** The image's pixels for the wand; null while they are not there. */
  setPixels(read: PixelReader): void {
    this.#pixels = read;
  }

  setHidden(annotationIds: Iterable<AnnotationId>, hidden: boolean): void {
    this.#viewChange(() => this.#document.setHidden(annotationIds, hidden));
  }
  setLocked(annotationIds: Iterable<AnnotationId>, locked: boolean): void {
    this.#viewChange(() => this.#document.setLocked(annotationIds, locked));
  }
  setClassHidden(categoryId: CategoryId, hidden: boolean): void {
    this.#viewChange(() => this.#document.setClassHidden(categoryId, hidden));
  }
  setClassLocked(categoryId: CategoryId, locked: boolean): void {
    this.#viewChange(() => this.#document.setClassLocked(categoryId, locked));
  }

  /** False where it cannot be done now; a `notice` says why. */
  run(id: CommandId): boolean {
    this.#giveUp();
    const operations = commandOperations(this.#context, id);
    if (operations === null || !this.#commit(commands[id].name, operations)) return false;
    const added = operations.flatMap((operation) => (operation.kind === 'add' ? [operation.after.annotationId] : []));
    if (id === 'duplicate') this.select(added);
    else if (id === 'separate') this.select([...this.#selection, ...added]);
    return true;
  }

  /** Sets what is named, on these labels, as one gesture. Locked ones stay as they are. */
  setDetails(annotationIds: Iterable<AnnotationId>, details: LabelDetails): boolean {
    return this.#change(annotationIds, 'categoryId' in details ? 'change class' : 'change details', (label) => ({
      ...label,
      ...details,
      flags:
        details.flags === undefined ? label.flags : annotationFlags.filter((flag) => details.flags?.includes(flag)),
    }));
  }

  /** On for all of them, unless it is on for all of them. */
  toggleFlag(annotationIds: Iterable<AnnotationId>, flag: AnnotationFlag): boolean {
    const ids = [...annotationIds];
    const on = ids.every((annotationId) => this.#document.get(annotationId)?.flags.includes(flag));
    return this.#change(ids, `mark ${flag}`, (label) => {
      const flags = annotationFlags.filter((other) => (other === flag ? !on : label.flags.includes(other)));
      return { ...label, flags };
    });
  }

  /** A class of the whole image: instead of the others, or added, or taken away where it is there. */
  tagImage(categoryId: CategoryId, mode: 'only' | 'toggle'): boolean {
    this.#giveUp();
    const tags = this.#document.ordered.filter(({ shape }) => shape.kind === 'classification');
    const [same, others] = [
      tags.filter((tag) => tag.categoryId === categoryId),
      tags.filter((tag) => tag.categoryId !== categoryId),
    ];
    const add = (): EditOperation[] => [
      { kind: 'add', after: this.#makeLabel({ kind: 'classification' }, categoryId) },
    ];
    if (mode === 'toggle') {
      return this.#commit('tag', same.length > 0 ? same.map((before) => ({ kind: 'remove', before })) : add());
    }
    const gone = others.map((before): EditOperation => ({ kind: 'remove', before, replaced: true }));
    return this.#commit('tag', [...gone, ...(same.length > 0 ? [] : add())]);
  }

  setReview(review: ReviewState): boolean {
    this.#giveUp();
    return this.#commit('mark as ' + review.replace('-', ' '), [
      { kind: 'review', before: this.#document.review, after: review },
    ]);
  }

  /** Copies of labels from anywhere, which come to be selected. */
  paste(labels: readonly Label[]): boolean {
    this.#giveUp();
    const onTop = labels.some(({ annotationId }) => this.#document.get(annotationId) !== undefined);
    const operations = copies(this.#context, labels, onTop ? undefined : 0);
    if (!this.#commit('paste', operations)) return false;
    this.select(operations.flatMap((operation) => (operation.kind === 'add' ? [operation.after.annotationId] : [])));
    return true;
  }

  /** Takes the last step of the gesture in progress back, else the newest gesture of this image. False where there is none. */
  undo(): boolean {
    if (!this.isIdle) {
      if (!this.#tool.undoStep()) this.#tool.cancel();
      this.#refresh();
      return true;
    }
    const entry = this.#history.undo();
    return entry !== null && this.#travel('undo', entry, inverse(entry.operations));
  }

  redo(): boolean {
    if (this.#tool.redoStep()) {
      this.#refresh();
      return true;
    }
    this.#giveUp();
    const entry = this.#history.redo();
    return entry !== null && this.#travel('redo', entry, entry.operations);
  }

  /** The gesture that undo or redo would act on in this image; null where there is none. */
  nextGesture(direction: 'undo' | 'redo'): string | null {
    return this.#history.next(direction)?.gestureId ?? null;
  }

  /**
   * Changes that did not come from here: another window, an undo that the service did. Earlier gestures can then no
   * longer be taken back here; the service can.
   */
  receive(
    changes: readonly { readonly annotationId: AnnotationId; readonly after: Label | null }[],
    review: ReviewState,
  ): void {
    const operations = changes.flatMap(({ annotationId, after }): EditOperation[] => {
      const before = this.#document.get(annotationId);
      if (after === null) return before === undefined ? [] : [{ kind: 'remove', before }];
      return [before === undefined ? { kind: 'add', after } : { kind: 'update', before, after }];
    });
    this.#history.clear();
    this.#apply([...operations, { kind: 'review', before: this.#document.review, after: review }]);
  }

  /** Gives labels the times at which the service saved them. */
  stamp(times: Iterable<Pick<Label, 'annotationId' | 'createdAt' | 'updatedAt'>>): void {
    const operations = [...times].flatMap(({ annotationId, createdAt, updatedAt }): EditOperation[] => {
      const before = this.#document.get(annotationId);
      return before === undefined ? [] : [{ kind: 'update', before, after: { ...before, createdAt, updatedAt } }];
    });
    if (operations.length > 0) this.#apply(operations);
  }

  #makeContext(): ToolContext {
    // A context reads the editor's state at the moment it is asked.
    const own = {
      document: () => this.#document,
      settings: () => this.#settings,
      selection: () => this.#selection,
      pixels: () => this.#pixels?.() ?? null,
    };
    return {
      get document() {
        return own.document();
      },
      get settings() {
        return own.settings();
      },
      get selection() {
        return own.selection();
      },
      get pixels() {
        return own.pixels();
      },
      skeletonOf: (categoryId) => this.#options.skeletonOf(categoryId),
      set: (patch) => this.set(patch),
      select: (annotationIds) => this.select(annotationIds),
      newLabel: (shape, like) => {
        const categoryId = like?.categoryId ?? this.#settings.categoryId;
        if (categoryId !== null) return this.#makeLabel(shape, categoryId, like);
        this.#emit('notice', 'Choose a class first.');
        return null;
      },
      commit: (name, operations) => this.#commit(name, operations),
      notice: (text) => this.#emit('notice', text),
      snap: (point, tolerance, except) => this.#snap(point, tolerance, except),
    };
  }

  #makeLabel(shape: Label['shape'], categoryId: CategoryId, like?: Label): Label {
    return {
      annotationId: this.#options.nextAnnotationId(),
      categoryId,
      shape,
      flags: like?.flags ?? [],
      attributes: like?.attributes ?? {},
      note: '',
      // The highest id of a z is the topmost.
      z: like?.z ?? this.#document.ordered.at(-1)?.z ?? 0,
      provenance: { by: 'person' },
      createdAt: null,
      updatedAt: null,
    };
  }

  #change(annotationIds: Iterable<AnnotationId>, name: string, to: (label: Label) => Label): boolean {
    this.#giveUp();
    const operations = [...annotationIds].flatMap((annotationId): EditOperation[] => {
      const before = this.#document.get(annotationId);
      return before === undefined || this.#document.isLocked(annotationId)
        ? []
        : [{ kind: 'update', before, after: to(before) }];
    });
    return this.#commit(name, operations);
  }

  /** One gesture: what is a change of it is applied, can be undone, and is told to whoever saves. */
  #commit(name: string, wanted: readonly EditOperation[]): boolean {
    const operations = wanted.flatMap((operation) => this.#effective(operation) ?? []);
    if (operations.length === 0) return false;
    const entry: HistoryEntry = { gestureId: this.#options.nextGestureId(), label: name, operations };
    this.#history.push(entry);
    this.#apply(operations);
    this.#emit('commit', { kind: 'edit', ...entry });
    return true;
  }

  /**
   * What an operation changes of the labels as they are now; null where that is nothing. What it does not change is left
   * as another window may have made it meanwhile.
   */
  #effective(operation: EditOperation): EditOperation | null {
    const { image } = this.#document;
    switch (operation.kind) {
      case 'review':
        return operation.after === this.#document.review ? null : { ...operation, before: this.#document.review };
      case 'remove': {
        const before = this.#document.get(operation.before.annotationId);
        return before === undefined ? null : { ...operation, before };
      }
      case 'add': {
        const shape = tidyShape(operation.after.shape, image, this.#settings.clipToImage);
        if (shape === null) this.#emit('notice', 'That was too small to be a label.');
        return shape === null ? null : { kind: 'add', after: { ...operation.after, shape } };
      }
      case 'update': {
        const before = this.#document.get(operation.before.annotationId);
        if (before === undefined) return null;
        const wanted = changedContent(operation.before, operation.after);
        const shape =
          wanted.shape === undefined ? before.shape : tidyShape(wanted.shape, image, this.#settings.clipToImage);
        if (shape === null) {
          this.#emit('notice', 'Nothing would be left of the label, so it stays as it was.');
          return null;
        }
        const after = { ...before, ...wanted, shape };
        return Object.keys(changedContent(before, after)).length === 0 ? null : { kind: 'update', before, after };
      }
    }
  }

  #travel(kind: 'undo' | 'redo', entry: HistoryEntry, operations: readonly EditOperation[]): boolean {
    this.#apply(operations);
    this.select(
      operations.flatMap((operation) =>
        'after' in operation && typeof operation.after === 'object' ? [operation.after.annotationId] : [],
      ),
    );
    this.#emit('commit', { kind, gestureId: entry.gestureId, label: entry.label, operations });
    this.#refresh();
    return true;
  }

  #apply(operations: readonly EditOperation[]): void {
    const changed = this.#document.apply(operations);
    this.select(this.#selection);
    this.#emit('document', { changed, all: false });
    this.#refresh();
  }

  #snap(point: ImagePoint, tolerance: number, except?: ReadonlySet<AnnotationId>): Snapped {
    if (!this.#settings.snap) return { point, guides: [] };
    const { document } = this;
    const { widthPx, heightPx } = document.image;
    const usable = ({ annotationId }: Label): boolean => !except?.has(annotationId) && !document.isHidden(annotationId);
    const { x, y } = point;
    const near = document.query([x - tolerance, y - tolerance, x + tolerance, y + tolerance]).filter(usable);
    const inLine = [
      ...document.query([x - tolerance, 0, x + tolerance, heightPx]),
      ...document.query([0, y - tolerance, widthPx, y + tolerance]),
    ].filter((label) => label.shape.kind === 'bbox' && usable(label));
    const boxes = inLine.flatMap(({ shape }) => (shape.kind === 'bbox' ? [shape.bboxXyxy] : []));
    return snapPoint(
      point,
      {
        rings: near.flatMap(({ shape }) => outlineRings(shape)),
        boxes: [[0, 0, widthPx, heightPx], ...boxes],
      },
      tolerance,
    );
  }

  /** Escape: ends the gesture, or without one the selection. */
  #cancel(): boolean {
    const busy = !this.isIdle;
    this.#tool.cancel();
    const used = busy || this.#selection.size > 0;
    if (!busy) this.select([]);
    return used;
  }

  /** Before a change that does not come from the tool. */
  #giveUp(): void {
    if (!this.isIdle) this.#tool.cancel();
  }

  #viewChange(change: () => void): void {
    change();
    this.#emit('document', { changed: new Set(), all: true });
    this.#refresh();
  }

  #refresh(): void {
    this.#preview = null;
    if (this.#listeners.preview.size > 0) this.#emit('preview', this.preview);
  }

  #emit<E extends keyof EditorEvents>(event: E, payload: EditorEvents[E]): void {
    for (const listener of [...this.#listeners[event]]) listener(payload);
  }
}
