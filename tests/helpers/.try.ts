import { mkdtempSync, rmSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { measureLoopLag } from './loop-lag.ts';
import { createAppHandlers, openSettings } from '../../src-main/services/app.ts';
import { createDatasetHandlers } from '../../src-main/services/datasets/handlers.ts';
import { JobRegistry } from '../../src-main/services/jobs.ts';
import { OpenProjects } from '../../src-main/services/open-projects.ts';
import { createProjectService } from '../../src-main/services/projects.ts';
import { createMedia } from '../../src-main/services/media.ts';
import { buildTrainingData } from '../../src-main/services/datasets/training-data.ts';
const scratch = mkdtempSync('/tmp/fovea-try-');
const ports = { userDataFolder: join(scratch, 'u'), version: '0', launchTrainer: () => { throw 1; }, importWorker: new URL('../../src-main/services/import/import-worker.ts', import.meta.url), choosePath: null };
let done: (j: any) => void = () => {};
let last = 0;
const emit = (n: string, p: any) => { if (n === 'job.changed') { if (performance.now() - last > 300 || p.state !== 'running') { last = performance.now(); console.log(p.state, p.step, p.done, p.total, p.unit, p.ratePerSecond?.toFixed(0), p.secondsLeft?.toFixed(1), p.error); } if (p.state !== 'running') done(p); } };
const projects = new OpenProjects();
const context = { ports, projects, emit } as any;
const { CheckpointKeeper } = await import('../../src-main/services/checkpoints.ts'); new CheckpointKeeper(projects, ports.importWorker); const jobs = new JobRegistry(emit as any);
const settings = openSettings(ports.userDataFolder);
const ps = createProjectService(context, settings);
const h = createDatasetHandlers(context, jobs);
const p = await ps.handlers['project.create']({ name: 'T', parentFolder: scratch });
const projectId = p.projectId;
for (const path of process.argv.slice(2)) {
  let t = performance.now();
  const report = await h['dataset.inspect']({ path });
  console.log('inspect ms', (performance.now() - t).toFixed(0), JSON.stringify(report));
  let lag = measureLoopLag();
  t = performance.now();
  const end = new Promise<any>((r) => (done = r));
  await h['dataset.import']({ projectId, path, format: report.format!, name: path });
  const job = await end;

  console.log('import ms', (performance.now() - t).toFixed(0), 'lag', lag.stop().toFixed(1));
  const datasetId = job.datasetId;
  if (!datasetId) continue;
lag = measureLoopLag();
  t = performance.now();
  const cats = (await h['dataset.list']({ projectId }))[0]!.categories;
  console.log('list', (performance.now() - t).toFixed(1));
  for (const filter of [{ splits: [], categoryIds: [] }, { splits: ['train'], categoryIds: [] }, { splits: [], categoryIds: [cats[3]!.categoryId] }, { splits: ['train'], categoryIds: cats.slice(0, 9).map((c) => c.categoryId) }] as any[]) {
    t = performance.now(); const f = await h['dataset.facets']({ projectId, datasetId, filter }); const tf = performance.now() - t;
    t = performance.now(); const l = await h['image.list']({ projectId, datasetId, filter, offset: Math.max(0, f.total - 300), limit: 200 }); const tl = performance.now() - t;
    console.log('facets', tf.toFixed(1), 'list', tl.toFixed(1), l.total, l.items.length, l.items[0]?.name);
  }
  t = performance.now(); const td = await buildTrainingData(projects.get(projectId), datasetId, 'train', 'test'); console.log('training data', (performance.now() - t).toFixed(0), td.train.labels.length, td.packs);
  const media = createMedia(projects);
  t = performance.now(); await Promise.all(td.train.imageIds.slice(0, 1000).map((id) => media(`media/${projectId}/thumbnail/${id}`))); console.log('1000 thumbnails', (performance.now() - t).toFixed(0));
  t = performance.now(); await Promise.all(td.train.imageIds.slice(0, 1000).map((id) => media(`media/${projectId}/thumbnail/${id}`))); console.log('1000 cached', (performance.now() - t).toFixed(0));
  console.log('query lag max', lag.stop());
}
for (const f of readdirSync(join(scratch, 'T'), { recursive: true })) console.log(f, statSync(join(scratch, 'T', f as string)).size);
await jobs.close(); projects.closeAll(); rmSync(scratch, { recursive: true });
