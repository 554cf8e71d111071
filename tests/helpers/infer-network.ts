/** What a network says of images, with the weights that it is given. */
import { sizeOf, tensor, type Tensor } from '../../src-main/engine/graph/types.ts';
import { buildNetwork, type NetworkPlan } from '../../src-main/engine/nn/network.ts';
import type { NamedTensors } from '../../src-main/engine/nn/parameters.ts';
import type { Preprocessing } from '../../src-main/engine/nn/preprocessing.ts';
import { newGraph } from '../../src-main/engine/ops/index.ts';
import { optimise } from '../../src-main/engine/passes/index.ts';
import { floats, runGraph } from './engine-run.ts';

/** images: uint8 [N, C, H, W], of the plan's size; its outputs in their order. */
export async function infer(
  plan: NetworkPlan,
  tensors: NamedTensors,
  preprocessing: Preprocessing,
  images: Uint8Array,
): Promise<Tensor[]> {
  const g = newGraph('infer');
  const shape = [images.length / sizeOf(plan.inputShape), ...plan.inputShape];
  const bytes = g.input('bytes', 'uint8', shape);
  const all = [...plan.parameters, ...plan.buffers];
  const values = new Map(all.map(({ name, shape: own }) => [name, g.input(name, 'float32', own)]));
  const outputs = buildNetwork(
    plan,
    g,
    { bytes, preprocessing },
    {
      mode: 'inference',
      tensor: (name) => values.get(name)!,
      updateBuffer: () => undefined,
      step: null,
      seed: 0,
    },
  );
  outputs.forEach((output, i) => g.output(output, `output ${i}`));
  const results = await runGraph(optimise(g.graph), {
    bytes: tensor('uint8', shape, images),
    ...Object.fromEntries(all.map(({ name, shape: own }) => [name, floats(own, tensors.get(name)!)])),
  });
  return outputs.map((_, i) => results[`output ${i}`]!);
}
