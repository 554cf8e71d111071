/** Two sets of labels over the image, one left and one right of a divider. */
import type { Category } from '../../../src-main/contract/model/dataset.ts';
import { usualDetectionSettings } from '../../../src-main/contract/model/run-results.ts';
import type { CanvasLabel, LabelStyle } from '../../canvas/drawing/canvas-label.ts';
import { drawLabelSet } from '../../canvas/drawing/label-scene.ts';
import type { Label } from '../../canvas/editor/types.ts';
import type { LabelComparison, SourceContent } from '../../state/label-comparison.svelte.ts';
import { classColours, rgbOf } from '../results/class-colours.ts';
import { drawPrediction, drawSwipe, type Draw } from '../results/overlay-drawing.ts';

interface Look {
  canvasLabel: (label: Label) => CanvasLabel | null;
  categories: readonly Category[];
  style: LabelStyle;
}

/** `all`: the open image's labels as they are now. */
export function comparisonDraw(comparison: LabelComparison, all: readonly Label[], look: Look): Draw {
  const side = (id: string): Draw => drawSource(comparison.content(id, all), comparison.scoreThreshold, look);
  return drawSwipe(side(comparison.left), side(comparison.right), comparison.divider);
}

function drawSource(content: SourceContent, scoreThreshold: number, { canvasLabel, categories, style }: Look): Draw {
  if (content.kind === 'run') {
    const colours = classColours(content.classes, categories).map((css) => (css === null ? null : rgbOf(css)));
    const names = content.classes.map(({ name }) => name);
    const settings = { ...usualDetectionSettings, scoreThreshold };
    return drawPrediction(content.overlay, { colours, names, opacity: Math.max(0.2, style.fillOpacity), settings });
  }
  const labels = content.labels.flatMap((label) => canvasLabel(label) ?? []);
  return (context, viewport, image) => {
    const ratio = context.getTransform().a;
    const view = { widthPx: context.canvas.width / ratio, heightPx: context.canvas.height / ratio };
    drawLabelSet(context, { labels, image, viewport, view, style }, ratio);
  };
}
