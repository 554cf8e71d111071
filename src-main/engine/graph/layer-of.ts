/** From a node's name back to the layer that it belongs to: names begin with the layer's path (see Builder.scope). */

export interface NodeOrigin {
  /** "conv1", "model.22.cv3.0.0"; "" where a node belongs to no layer. */
  layer: string;
  isGradient: boolean;
}

/** Of a node of ours, or of one that onnxruntime made out of ours and named after it. */
export function originOf(nodeName: string): NodeOrigin {
  // onnxruntime puts this before the name of a node into which it has drawn the activation behind it.
  const parts = nodeName.replace(/^fused /, '').split('/');
  const isGradient = parts[0] === 'gradient';
  const rest = isGradient ? parts.slice(1) : parts;
  return { layer: rest.length > 1 ? rest[0]! : '', isGradient };
}

/** "conv1", "the gradient of conv1". */
export function originText({ layer, isGradient }: NodeOrigin): string {
  const name = layer === '' ? 'a node outside of any layer' : `layer "${layer}"`;
  return isGradient ? `the gradient of ${name}` : name;
}
