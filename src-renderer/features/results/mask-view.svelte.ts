/** How masks are looked at: which panes, how opaque, which classes; shared by the view and its inspector. */
import { SvelteSet } from 'svelte/reactivity';

export const maskPanes = ['image', 'truth', 'prediction', 'errors', 'confidence'] as const;
export type MaskPane = (typeof maskPanes)[number];
export const maskPaneNames: Readonly<Record<MaskPane, string>> = {
  image: 'Image',
  truth: 'Ground truth',
  prediction: 'Prediction',
  errors: 'Errors',
  confidence: 'Confidence',
};

export class MaskView {
  opacity = $state(0.6);
  readonly panes: SvelteSet<MaskPane>;
  /** Ordinals of classes that are not drawn. */
  readonly hidden = new SvelteSet<number>();
  /** Ordinal of the class whose errors are shown; null: of all. */
  errorClass = $state<number | null>(null);

  constructor(panes: readonly MaskPane[] = ['truth', 'prediction', 'errors']) {
    this.panes = new SvelteSet(panes);
  }

  /** The last pane stays. */
  togglePane(pane: MaskPane): void {
    if (!this.panes.has(pane)) this.panes.add(pane);
    else if (this.panes.size > 1) this.panes.delete(pane);
  }

  toggleClass(ordinal: number): void {
    if (!this.hidden.delete(ordinal)) this.hidden.add(ordinal);
  }
}
