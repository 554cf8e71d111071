/**
 * A process to be killed by a test. Arguments: the project's folder, a folder for settings, and what to do: "import" and
 * the folder of a COCO data set, or "export" and a new folder for the project's first data set. Says "begun".
 */
import { createServices } from './service-fixture.ts';

const [projectFolder = '', userDataFolder = '', what = '', path = ''] = process.argv.slice(2);
const services = createServices({ userDataFolder });
const { projectId } = await services.handlers['project.open']({ path: projectFolder });
if (what === 'import') {
  await services.handlers['dataset.import']({ projectId, path, format: 'coco', name: 'Doomed', copyFiles: true });
} else {
  const [first] = await services.handlers['dataset.list']({ projectId });
  if (first === undefined) throw new Error('there is nothing to export');
  await services.handlers['dataset.export']({ projectId, datasetId: first.datasetId, format: 'coco', folder: path });
}
console.log('begun');
