/** The learned kernels of a checkpoint's convolutions. */
import { FoveaError } from '../../contract/errors.ts';
import type { KernelSet, RunConfig } from '../../contract/model/run.ts';
import { floatValues, readSafetensors } from '../../engine/weights/safetensors.ts';
import { convolutionLayers } from '../../engine/zoo/registry.ts';

/**
 * In the order of the network; of a file of a past epoch (`partial`) only those that it has. Throws FoveaError `not-found`
 * without a checkpoint, `bad-input` for a damaged one.
 */
export async function readKernels(checkpoint: string, { model }: RunConfig, partial = false): Promise<KernelSet[]> {
  const all = convolutionLayers(model.id, model.options);
  const wanted = partial ? undefined : all.map(({ tensor }) => tensor);
  const { tensors } = await readSafetensors(checkpoint, wanted);
  const layers = partial ? all.filter(({ tensor }) => tensors.has(tensor)) : all;
  return layers.map(({ layer, label, tensor }) => {
    const weight = tensors.get(tensor);
    const [outChannels, inChannels, kernelHeight, kernelWidth, ...more] = weight?.shape ?? [];
    if (!weight || !outChannels || !inChannels || !kernelHeight || !kernelWidth || more.length > 0) {
      throw new FoveaError(
        'bad-input',
        `${checkpoint}: “${tensor}” is expected as [out, in, height, width], got [${weight?.shape.join(', ')}].`,
        { file: checkpoint, tensor },
      );
    }
    return { layer, label, outChannels, inChannels, kernelHeight, kernelWidth, values: floatValues(weight) };
  });
}
