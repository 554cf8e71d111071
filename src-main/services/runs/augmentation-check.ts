/** What would spoil a run in what chance does to its images. */
import { networkPoints } from '../../contract/model/network-ends.ts';
import type { AugmentationConfig } from '../../contract/model/run-images.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import type { PoseLayout } from '../../engine/data/training-data.ts';
import { error, note, type Finding } from './findings.ts';

/** shape: [C, H, W] of the network's input; null where it is not known. */
export function checkAugmentation(
  config: RunConfig,
  shape: readonly [number, number, number] | null,
  pose: PoseLayout | null,
): Finding[] {
  const { augmentation, task, phases } = config;
  const findings: Finding[] =
    networkPoints(config) > 0 && pose?.mirrored === null ? [checkMirroring(augmentation)] : [];
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

/** Of images whose points nobody has told apart. */
function checkMirroring({ flipHorizontal, flipVertical }: AugmentationConfig): Finding {
  const cure = 'Pair left with right in the skeleton of the class';
  const isMirrored = flipHorizontal > 0 || flipVertical > 0;
  return isMirrored
    ? error(
        `Nothing says which points are left and which right, so mirrored images would teach them wrongly. ${cure}, or set the flips to 0.`,
        flipHorizontal > 0 ? 'augmentation.flipHorizontal' : 'augmentation.flipVertical',
      )
    : note(
        `Images are not mirrored, because nothing says which of their points are left and which right. ${cure} to have them mirrored.`,
        'augmentation.flipHorizontal',
      );
}
