/** What would spoil a run in what chance does to its images. */
import type { RunConfig } from '../../contract/model/run.ts';
import { error, note, type Finding } from './findings.ts';

/** shape: [C, H, W] of the network's input; null where it is not known. */
export function checkAugmentation(
  { augmentation, task, phases }: RunConfig,
  shape: readonly [number, number, number] | null,
): Finding[] {
  const findings: Finding[] = [];
  const { shift, mosaic, closeMosaicEpochs, randomCrop } = augmentation;
  if (shape && shift >= Math.min(shape[1], shape[2])) {
    const message = `A shift of ${shift} px can push an image of ${shape[2]} × ${shape[1]} px out of sight. Make it smaller.`;
    findings.push(error(message, 'augmentation.shift'));
  }
  if (mosaic > 0 && task === 'classification') {
    const message =
      'A mosaic shows four images, which may be of four classes, so it can teach no class. Switch it off.';
    findings.push(error(message, 'augmentation.mosaic'));
  }
  const epochs = phases.reduce((sum, phase) => sum + phase.epochs, 0);
  if (mosaic > 0 && closeMosaicEpochs >= epochs)
    findings.push(
      note('The run ends before its last epoch with mosaics, so there are none.', 'augmentation.closeMosaicEpochs'),
    );
  if (mosaic === 1 && randomCrop !== null && closeMosaicEpochs === 0)
    findings.push(note('Every image is a mosaic, and mosaics are not cropped.', 'augmentation.randomCrop'));
  return findings;
}
