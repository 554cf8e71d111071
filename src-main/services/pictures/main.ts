/**
 * Entry of the process that draws pictures of image files: decoding takes nearly all of the time that a picture needs, and
 * an odd file might crash the decoder. Where the app has a Node of its own it runs there, because Electron's allocator gives
 * memory back to the system after each picture, which costs a tenth of the time.
 */
import { toErrorData } from '../../contract/errors.ts';
import { connectToParent } from '../../processes/parent-link.ts';
import { drawCrop, drawWhole } from './draw-picture.ts';
import type { PictureCommand, PictureReply, PictureTask } from './messages.ts';

const parent = connectToParent<PictureCommand, PictureReply>();

function draw({ projectFolder, file, part }: PictureTask): Promise<Uint8Array> {
  const source = { kind: 'file', file } as const;
  return part.kind === 'whole'
    ? drawWhole(projectFolder, source, part.maxPx)
    : drawCrop(projectFolder, source, part.bboxXyxy);
}

parent.onGone(() => process.exit(1));
parent.onCommand(({ number, task }) => {
  draw(task).then(
    (picture) => parent.send({ kind: 'drawn', number, picture }),
    (error: unknown) => parent.send({ kind: 'failed', number, error: toErrorData(error) }),
  );
});
parent.send({ kind: 'ready' });
