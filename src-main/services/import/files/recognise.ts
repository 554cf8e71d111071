/** Recognises the format of a folder of image files. A new format is one planner in the table. */
import type { FileFormat } from '../../../contract/model/dataset.ts';
import { FileHeads } from '../read-head.ts';
import type { ImportSource } from '../source.ts';
import { planCoco } from './plan-coco.ts';
import { planCvat } from './plan-cvat.ts';
import { planImageFolders, planImages } from './plan-folders.ts';
import { planLabelme } from './plan-labelme.ts';
import { planMasks } from './plan-masks.ts';
import type { FilePlan, TellStep } from './plan.ts';
import { planVoc } from './plan-voc.ts';
import { planYolo } from './plan-yolo.ts';

/** `labelSource`: which of the places that hold labels is meant; null for the first. */
type Planner = (
  source: ImportSource,
  labelSource: string | null,
  tell: TellStep,
  heads: FileHeads,
) => Promise<FilePlan | null> | FilePlan | null;

/** In the order in which they are tried. */
const planners = {
  yolo: planYolo,
  coco: planCoco,
  labelme: planLabelme,
  cvat: planCvat,
  voc: planVoc,
  masks: planMasks,
  'image-folders': planImageFolders,
  images: planImages,
} satisfies Record<FileFormat, Planner>;

/** The first format that fits and finds images; or only `wanted`, with the files that it could not look at. Null where none does. */
export async function planFiles(
  source: ImportSource,
  wanted: FileFormat | null,
  labelSource: string | null,
  tell: TellStep,
): Promise<FilePlan | null> {
  const heads = new FileHeads(source.folder ?? '');
  const formats = wanted === null ? (Object.keys(planners) as FileFormat[]) : [wanted];
  for (const format of formats) {
    const plan = await planners[format](source, labelSource, tell, heads);
    if (plan !== null && (plan.images.length > 0 || wanted !== null)) {
      const told = new Set(plan.problems.map((problem) => problem.source));
      return { ...plan, problems: [...plan.problems, ...heads.problems.filter(({ source: file }) => !told.has(file))] };
    }
  }
  return null;
}
