/** Lists, filters and queries over all images of a large data set, each question as if asked for the first time. */
import type { ImageFilter, ImageOrder } from '../../../src-main/contract/model/dataset.ts';
import type { DatasetId, ProjectId } from '../../../src-main/contract/model/ids.ts';
import type { ServiceFixture } from '../../helpers/service-fixture.ts';
import { median, type BenchOutcome } from '../bench.ts';
import { everything, msOf } from './part.ts';

const ROUNDS = 5;

const queries = [
  'class:"class 7" count("class 1")>3 split:train',
  'count>8 -class:"class 2"',
  'area<100 or area("class 3")>9000',
  'boxaspect("class 1")>5',
  'boxaspect=2..2.01',
  'boxaspect=0.5..2',
  'area=1000..2000',
  '(class:"class 40" or class:"class 41") count=2..6',
  'class:"class 1" class:"class 2" class:"class 3"',
  'box:outside',
  'box:doubled or boxaspect>5',
  'count("class 1")=0',
  'count("class 1")=1..3',
  'area("class 1")>1000',
  'name:123',
  'folder:train',
  'is:unlabelled or review:done kind:mask by:person',
  'edited>2024-01-01 megapixels>1',
];

export async function measureLists(
  services: ServiceFixture,
  place: { projectId: ProjectId; datasetId: DatasetId },
  progress: (text: string) => void,
): Promise<BenchOutcome> {
  progress('asking for lists');
  const { store } = services.projects.get(place.projectId);
  const classes = store.datasets.categories(place.datasetId).map(({ categoryId }) => categoryId);
  let asked = 0;
  /** No answer is kept for a question that was never asked: each has a number that every image passes. */
  const ask = async (filter: Partial<ImageFilter>, order?: ImageOrder): Promise<number> => {
    const query = `${filter.query === undefined ? '' : `(${filter.query}) `}id>-${++asked}`;
    return msOf(() =>
      services.handlers['image.list']({
        ...place,
        ...{ filter: { ...everything, ...filter, query }, offset: 0, limit: 200 },
        ...(order === undefined ? {} : { order }),
      }),
    );
  };
  const median5 = async (filter: Partial<ImageFilter>, order?: ImageOrder): Promise<number> => {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) times.push(await ask(filter, order));
    return median(times);
  };
  const slowest = async (list: readonly Partial<ImageFilter>[]): Promise<{ ms: number; filter: string }> => {
    let worst = { ms: 0, filter: '' };
    for (const filter of list) {
      const ms = await median5(filter);
      if (ms > worst.ms) worst = { ms, filter: JSON.stringify(filter) };
    }
    return worst;
  };
  const firstPageMs = await ask({});
  const filters: Partial<ImageFilter>[] = [
    { splits: ['val'] },
    { categoryIds: classes.slice(0, 1) },
    { categoryIds: classes.slice(70, 71), splits: ['train'] },
    { categoryIds: classes.slice(0, 3) },
    { categoryIds: classes.slice(0, 40) },
    { categoryIds: classes.slice(40) },
    { categoryIds: classes },
    ...[
      'is:unlabelled',
      'review:done',
      'megapixels>1',
      'kind:mask',
      'by:person',
      'count>5',
      'area<100',
      'area=1000..2000',
      'area=3000..3300',
      'boxaspect=0.9..1.1',
      'boxaspect=1',
      'aspect>1',
    ].map((query) => ({ query })),
  ];
  const filter = await slowest(filters);
  const query = await slowest(queries.map((text) => ({ query: text })));
  const sortedMs = await median5({}, { by: 'labels', descending: true });
  const facetsMs = await msOf(() => services.handlers['dataset.facets']({ ...place, filter: everything }));
  return {
    figures: [
      {
        name: 'firstPageMs',
        value: firstPageMs,
        explanation: 'the first 200 images with their labels, the first time',
      },
      {
        name: 'slowestFilterMs',
        value: filter.ms,
        explanation: `the slowest of ${filters.length} filters, with its first page, median of ${ROUNDS}`,
      },
      { name: 'slowestQueryMs', value: query.ms, explanation: `the slowest of ${queries.length} text queries` },
      { name: 'sortedMs', value: sortedMs, explanation: 'all images by their number of labels' },
      { name: 'facetsMs', value: facetsMs, explanation: 'counts of all splits, states and classes' },
    ],
    bars: [
      { figure: 'firstPageMs', bar: 1000, direction: 'at-most' },
      { figure: 'slowestFilterMs', bar: 50, direction: 'at-most' },
      { figure: 'slowestQueryMs', bar: 100, direction: 'at-most' },
    ],
    notes: [`Slowest filter: ${filter.filter}; slowest query: ${query.filter}.`],
  };
}
