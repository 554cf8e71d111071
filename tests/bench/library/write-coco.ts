/** Writes the bench's data set in a process of its own, whose memory is then not taken for the import's: FOLDER IMAGES BOXES. */
import { writeCocoShape } from '../../helpers/generated-coco.ts';

const [folder = '', images, boxes] = process.argv.slice(2);
await writeCocoShape(folder, { images: Number(images), boxes: Number(boxes) });
