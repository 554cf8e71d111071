/** A process to be killed by a test: imports the folder in its second argument into the project in its first, and says
 *  when rows of the import are in the database. Its third argument is a folder for settings. */
import { createServices } from './service-fixture.ts';

const [projectFolder = '', path = '', userDataFolder = ''] = process.argv.slice(2);
const services = createServices({ userDataFolder });
const { projectId } = await services.handlers['project.open']({ path: projectFolder });
await services.handlers['dataset.import']({ projectId, path, format: 'cifar10', name: 'Doomed' });
const { images } = services.projects.get(projectId).store;
const timer = setInterval(() => {
  if (images.idRange(1 as Parameters<typeof images.idRange>[0]) === null) return;
  clearInterval(timer);
  console.log('rows');
}, 1);
