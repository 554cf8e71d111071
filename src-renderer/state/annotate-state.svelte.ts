/**
 * Labelling one data set: the list of images that is gone through, the image in view with its labels and pixels, what is
 * fetched ahead, and the class that the next object gets.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { Api } from '../api/client.svelte.ts';
import { ImageCache } from '../canvas/drawing/image-cache.ts';
import { pictureSource } from './picture-source.ts';
import type { Picture } from '../canvas/drawing/picture.ts';
import type { Label } from '../canvas/editor/types.ts';
import type { ReviewState } from '../../src-main/contract/model/annotation.ts';
import type { ClassEdit, ClassUsage } from '../../src-main/contract/model/class-edit.ts';
import type { Category, Dataset, ImageSummary } from '../../src-main/contract/model/dataset.ts';
import type { CategoryId, DatasetId, ImageId, ProjectId } from '../../src-main/contract/model/ids.ts';
import { AnnotateView } from './annotate-view.svelte.ts';
import type { DatasetBrowser } from './dataset-browser.svelte.ts';
import { EditorMirror } from './editor-mirror.svelte.ts';
import { LabelComparison } from './label-comparison.svelte.ts';
import { LatestAnswer } from './latest-answer.ts';
import { LabelSession } from './label-session.svelte.ts';
import type { OpenImage } from './route.ts';
import type { ViewSettings } from './view-settings.svelte.ts';

/** Images on each side of the one in view that are decoded ahead. */
const prefetched = 1;

/** Images that are asked for at once where one is looked for. */
const pageSize = 1000;

export type ReviewCounts = Partial<Record<ReviewState, number>>;

export class AnnotateState {
  readonly #api: Api;
  readonly projectId: ProjectId;
  readonly datasetId: DatasetId;
  readonly browser: DatasetBrowser;
  readonly labels: LabelSession;
  readonly mirror: EditorMirror;
  readonly view: AnnotateView;
  readonly comparison: LabelComparison;
  readonly #pictures = new ImageCache();

  /** The data set as it is now: its classes change while it is labelled. */
  dataset = $state.raw() as Dataset;
  readonly categories: ReadonlyMap<CategoryId, Category> = $derived(
    new Map(this.dataset.categories.map((category) => [category.categoryId, category])),
  );
  /** What is in view, or on its way there. */
  opened = $state.raw<OpenImage | null>(null);
  summary = $state.raw<ImageSummary | null>(null);
  picture = $state.raw<Picture | null>(null);
  error = $state.raw<unknown>(null);
  reviewCounts = $state.raw<ReviewCounts>({});
  /** States that changed since the list was read. */
  readonly #reviews = new SvelteMap<ImageId, ReviewState>();
  /** Keys give the image as a whole its class, instead of choosing the class of the next object. */
  tagging = $state(false);
  /** The class that was chosen before the present one. */
  #lastCategoryId: CategoryId | null = null;
  readonly #countReadings = new LatestAnswer();

  /** `browser`: the list of images that is gone through. */
  constructor(api: Api, browser: DatasetBrowser, dataset: Dataset, settings: ViewSettings) {
    this.#api = api;
    this.browser = browser;
    this.projectId = browser.projectId;
    this.datasetId = browser.datasetId;
    this.dataset = dataset;
    this.labels = new LabelSession(api, browser.projectId);
    this.mirror = new EditorMirror(this.labels.editor);
    this.comparison = new LabelComparison(api, browser.projectId, browser.datasetId, this.labels);
    this.view = new AnnotateView(settings);
  }

  /** Returns a function that ends it all. */
  follow(): () => void {
    const stops = [
      this.mirror.follow(),
      this.labels.follow(),
      // What is asked of labels changes with their classes, here and elsewhere.
      this.#api.on('dataset.changed', ({ projectId }) => {
        if (projectId === this.projectId) void this.#readSchema();
      }),
      this.#api.on('annotation.changed', ({ projectId, images }) => {
        if (projectId !== this.projectId) return;
        for (const { imageId, review } of images) this.#reviews.set(imageId, review);
        void this.readReviewCounts();
      }),
    ];
    void this.readReviewCounts();
    void this.#readSchema();
    this.browser.pages.want(0, 0);
    return () => {
      for (const stop of stops) stop();
      this.#pictures.close();
    };
  }

  #showing = Promise.resolve();

  /** Whether the editor holds the image that is wanted: not while it is on its way, nor where it cannot be opened. */
  get isOpen(): boolean {
    return this.opened !== null && this.opened.imageId === this.labels.imageId;
  }

  /** When the image that is wanted now is there; false where it cannot be opened, or another is wanted by then. */
  async whenOpen(): Promise<boolean> {
    const wanted = this.opened?.imageId;
    if (!this.isOpen) await this.#showing;
    return this.isOpen && this.opened?.imageId === wanted;
  }

  async #readSchema(): Promise<void> {
    await this.labels.readSchema(this.datasetId).catch((error: unknown) => (this.error = error));
  }

  get total(): number {
    return this.browser.pages.total ?? 0;
  }

  /** Shows an image; the latest call wins. */
  async show(image: OpenImage): Promise<void> {
    if (this.opened?.imageId === image.imageId) {
      if (image.at !== null) this.opened = image;
      return;
    }
    this.#showing = this.#show(image);
    await this.#showing;
  }

  async #show(image: OpenImage): Promise<void> {
    this.opened = image;
    if (image.at === null) void this.#findPlace(image);
    this.error = null;
    const isWanted = (): boolean => this.opened?.imageId === image.imageId;
    this.labels.prefetch(image.imageId);
    try {
      const summary = await this.#summaryOf(image);
      if (!isWanted()) return;
      this.summary = summary;
      const source = pictureSource(this.#api.media, this.projectId, summary);
      const picture = this.#pictures.ready(source) ?? (await this.#pictures.get(source));
      if (!isWanted()) return;
      await this.labels.open(image.imageId);
      if (!isWanted()) return;
      if (this.labels.error !== null) throw this.labels.error;
      // In one go with its labels, so that none are seen on another picture.
      this.view.begin(picture.size);
      this.picture?.rest();
      this.picture = picture;
      this.#pixelsOf = picture;
    } catch (error) {
      if (!isWanted()) return;
      // No key may reach the image before.
      this.labels.close();
      this.picture = null;
      this.error = error;
    }
    this.#fetchAhead();
  }

  /** Its neighbours are known once its place in the list is. */
  async #findPlace(image: OpenImage): Promise<void> {
    const at = await this.placeOf(image.imageId).catch(() => null);
    if (at === null || this.opened !== image) return;
    this.opened = { ...image, at };
    this.#fetchAhead();
  }

  /** The state of an image that changed since the list was read; null: as the list says. */
  reviewOf(imageId: ImageId): ReviewState | null {
    return this.#reviews.get(imageId) ?? null;
  }

  /** The first image of the list; null where it is empty. */
  async first(): Promise<OpenImage | null> {
    const [image] = (await this.#listAt(0, 1)).items;
    return image === undefined ? null : { imageId: image.imageId, at: 0 };
  }

  /** The image at a distance in the list; null at its ends, and while the list is not read so far. */
  neighbour(by: number): OpenImage | null {
    const at = this.opened?.at;
    if (at == null) return null;
    const image = this.browser.pages.at(at + by);
    return image === undefined ? null : { imageId: image.imageId, at: at + by };
  }

  /** The first image in one of these states after the one in view, or the first of all; null where there is none. */
  async nextInState(states: readonly ReviewState[], from: ImageId | null): Promise<OpenImage | null> {
    const request = { projectId: this.projectId, datasetId: this.datasetId, states: [...states], limit: 1 };
    const ask = (after: ImageId | null) =>
      this.#api.call('image.reviewQueue', { ...request, from: after, direction: 'next' });
    const [imageId] = (await ask(from)).imageIds;
    const [first] = imageId === undefined && from !== null ? (await ask(null)).imageIds : [];
    const found = imageId ?? first;
    return found === undefined ? null : { imageId: found, at: await this.placeOf(found) };
  }

  /** The place of an image in the list; null where the filter leaves it out. */
  async placeOf(imageId: ImageId): Promise<number | null> {
    const { by, descending } = this.browser.order;
    if (by === 'added') return this.#placeById(imageId, descending);
    for (let offset = 0; ; offset += pageSize) {
      const { items } = await this.#listAt(offset, pageSize);
      const place = items.findIndex((image) => image.imageId === imageId);
      if (place >= 0) return offset + place;
      if (items.length < pageSize) return null;
    }
  }

  /** Ids rise in the order in which images were added. */
  async #placeById(imageId: ImageId, descending: boolean): Promise<number | null> {
    const total = this.browser.pages.total ?? (await this.#listAt(0, 1)).total;
    let [low, high] = [0, total - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const image = this.browser.pages.at(middle) ?? (await this.#listAt(middle, 1)).items[0];
      if (image === undefined) return null;
      if (image.imageId === imageId) return middle;
      if (image.imageId < imageId !== descending) low = middle + 1;
      else high = middle - 1;
    }
    return null;
  }

  async readReviewCounts(): Promise<void> {
    const request = { projectId: this.projectId, datasetId: this.datasetId };
    await this.#countReadings.to(
      this.#api.call('image.reviewCounts', request),
      (counts) => (this.reviewCounts = counts),
      () => undefined, // counts are an aside: without them everything else works
    );
  }

  /**
   * The class of what is drawn next. With the select tool it is the selection's too; with a drawing tool in hand what was
   * just drawn stays as it is, and is let go so that no brush adds to it.
   */
  chooseCategory(categoryId: CategoryId): void {
    const { editor } = this.labels;
    const before = editor.settings.categoryId;
    if (before !== categoryId) this.#lastCategoryId = before;
    editor.set({ categoryId });
    const others = [...editor.selection].filter((id) => editor.document.get(id)?.categoryId !== categoryId);
    if (others.length === 0) return;
    if (editor.tool === 'select') editor.setDetails(others, { categoryId });
    else editor.select([]);
  }

  swapCategory(): void {
    if (this.#lastCategoryId !== null && this.categories.has(this.#lastCategoryId))
      this.chooseCategory(this.#lastCategoryId);
  }

  /** Kept from image to image. */
  #copied = $state.raw<readonly Label[]>([]);

  get canPaste(): boolean {
    return this.#copied.length > 0;
  }

  copySelection(): void {
    const { selection, document } = this.labels.editor;
    this.#copied = [...selection].flatMap((id) => document.get(id) ?? []);
  }

  async paste(): Promise<void> {
    if (await this.whenOpen()) this.labels.editor.paste(this.#copied);
  }

  /** Adds a class and chooses it. Throws `already-exists`. */
  async createCategory(name: string): Promise<Category> {
    const request = { projectId: this.projectId, datasetId: this.datasetId, name };
    const created = await this.#api.call('category.create', request);
    this.dataset = { ...this.dataset, categories: [...this.dataset.categories, created] };
    this.chooseCategory(created.categoryId);
    return created;
  }

  /** Changes classes with their labels, as one step of undo. Throws what the service refuses. */
  async editClasses(edit: ClassEdit): Promise<void> {
    await this.labels.editClasses(this.datasetId, edit);
  }

  /** Of each class that has labels, how many, on how many images. */
  classUsage(): Promise<ClassUsage[]> {
    return this.#api.call('category.usage', { projectId: this.projectId, datasetId: this.datasetId });
  }

  #fetchAhead(): void {
    const at = this.opened?.at;
    if (at == null) return;
    this.browser.index = at;
    this.browser.pages.want(at - 30, at + 30);
    for (let by = 1; by <= prefetched; by++) {
      for (const neighbour of [this.neighbour(by), this.neighbour(-by)]) {
        if (neighbour === null) continue;
        const summary = this.browser.pages.at(neighbour.at ?? -1);
        if (summary !== undefined) this.#pictures.prefetch(pictureSource(this.#api.media, this.projectId, summary));
        this.labels.prefetch(neighbour.imageId);
      }
    }
  }

  /** The pages may arrive after the image; then its neighbours are fetched. */
  pagesArrived(): void {
    this.#fetchAhead();
  }

  /** Read when a tool needs them: copying twelve megapixels takes longer than turning to the next image. */
  #pixelsOf: Picture | null = null;

  async providePixels(): Promise<void> {
    const picture = this.#pixelsOf;
    if (picture === null) return;
    this.#pixelsOf = null;
    const read = await picture.readPixels();
    const { view } = this;
    if (this.picture !== picture) return;
    this.labels.editor.setPixels(() =>
      read({ viewport: view.viewport, view: view.view, ratio: window.devicePixelRatio }),
    );
  }

  async #summaryOf({ imageId, at }: OpenImage): Promise<ImageSummary> {
    const known = at === null ? undefined : this.browser.pages.at(at);
    if (known?.imageId === imageId) return known;
    return this.#api.call('image.get', { projectId: this.projectId, imageId });
  }

  #listAt(offset: number, limit: number) {
    const { projectId, datasetId } = this;
    const { filter, order } = this.browser;
    return this.#api.call('image.list', { projectId, datasetId, filter, order, offset, limit });
  }
}
