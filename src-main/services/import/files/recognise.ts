/** Recognises the format of a folder of image files. A new format is one planner in the table. */
import type { FileFormat } from '../../../contract/model/dataset.ts';
import type { ImportSource } from '../source.ts';
import { planCoco } from './plan-coco.ts';
import { planImageFolders, planImages } from './plan-folders.ts';
import { planLabelme } from './plan-labelme.ts';
import type { FilePlan } from './plan.ts';
import { planVoc } from './plan-voc.ts';
import { planYolo } from './plan-yolo.ts';

type Planner = (source: ImportSource) => Promise<FilePlan | null> | FilePlan | null;

/** In the order in which they are tried. */
const planners = {
  yolo: planYolo,
  coco: planCoco,
  labelme: planLabelme,
  voc: planVoc,
  'image-folders': planImageFolders,
  images: planImages,
} satisfies Record<FileFormat, Planner>;

/** The first format that fits and finds images; or only `wanted`. Null where none does. */
export async function planFiles(source: ImportSource, wanted: FileFormat | null): Promise<FilePlan | null> {
  const formats = wanted === null ? (Object.keys(planners) as FileFormat[]) : [wanted];
  for (const format of formats) {
    const plan = await planners[format](source);
    if (plan !== null && (plan.images.length > 0 || wanted !== null)) return plan;
  }
  return null;
}
