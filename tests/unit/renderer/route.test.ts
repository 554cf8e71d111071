import { expect, test } from 'vitest';
import type {
  CategoryId,
  DatasetId,
  ImageId,
  PredictionSetId,
  ProjectId,
  RunId,
} from '../../../src-main/contract/model/ids.ts';
import {
  annotateRoute,
  dataRoute,
  formatPlace,
  parsePlace,
  startPlace,
  type Place,
  type Route,
} from '../../../src-renderer/state/route.ts';

const projectId = '7a6e5c1e-0000-4000-8000-000000000001' as ProjectId;
const setId = '7a6e5c1e-0000-4000-8000-000000000002' as PredictionSetId;

const routes: [Route, string][] = [
  [dataRoute(), 'data'],
  [dataRoute({ datasetId: 3 as DatasetId }), 'data/3'],
  [
    dataRoute({
      datasetId: 3 as DatasetId,
      layout: 'montage',
      splits: ['train', 'test'],
      categoryIds: [4, 12] as CategoryId[],
      image: { imageId: 77 as ImageId, at: 0 },
    }),
    'data/3?layout=montage&split=train.test&class=4.12&image=77&at=0',
  ],
  [dataRoute({ image: { imageId: 5 as ImageId, at: null } }), 'data?image=5'],
  [annotateRoute(), 'annotate'],
  [
    annotateRoute({
      datasetId: 3 as DatasetId,
      splits: ['val'],
      categoryIds: [4] as CategoryId[],
      order: { by: 'labels', descending: true },
      image: { imageId: 77 as ImageId, at: 12 },
    }),
    'annotate/3?split=val&class=4&sort=-labels&image=77&at=12',
  ],
  [annotateRoute({ datasetId: 3 as DatasetId, layout: 'grid' }), 'annotate/3?layout=grid'],
  [{ screen: 'train', datasetId: 2 as DatasetId, cloneOf: 9 as RunId }, 'train?dataset=2&clone=9'],
  [{ screen: 'train', datasetId: null, cloneOf: null }, 'train'],
  [{ screen: 'runs' }, 'runs'],
  [{ screen: 'run', runId: 4 as RunId, tab: 'kernels' }, 'run/4?tab=kernels'],
  [{ screen: 'compare', runIds: [4, 6] as RunId[], tab: null }, 'compare?runs=4.6'],
  [{ screen: 'predict', predictionSetId: null, runId: 3 as RunId }, 'predict?run=3'],
  [{ screen: 'predict', predictionSetId: setId, runId: null }, `predict/${setId}`],
  [{ screen: 'settings' }, 'settings'],
  [{ screen: 'devices' }, 'devices'],
];

test.each(routes)('%o has the address %s, and comes back from it', (route, path) => {
  const place: Place = { projectId, route };
  expect(formatPlace(place)).toBe(`#/${projectId}/${path}`);
  expect(parsePlace(formatPlace(place))).toEqual(place);
});

test('without a project there are the start, the settings and the devices', () => {
  expect(formatPlace(startPlace)).toBe('#/');
  expect(parsePlace('')).toEqual(startPlace);
  expect(parsePlace('#/settings')).toEqual({ projectId: null, route: { screen: 'settings' } });
  expect(parsePlace('#/devices')).toEqual({ projectId: null, route: { screen: 'devices' } });
  expect(parsePlace('#/data/3')).toEqual(startPlace);
});

test('what cannot be read falls back to the nearest sensible place', () => {
  const routeOf = (path: string): Route => parsePlace(`#/${projectId}/${path}`).route;
  expect(routeOf('nowhere')).toEqual(dataRoute());
  expect(routeOf('data/zero?layout=spiral&split=train.nope&class=0.-1.2.x&image=0')).toEqual(
    dataRoute({ splits: ['train'], categoryIds: [2] as CategoryId[] }),
  );
  expect(routeOf('data?image=5&at=-1')).toEqual(dataRoute({ image: { imageId: 5 as ImageId, at: null } }));
  expect(routeOf('run/latest')).toEqual({ screen: 'runs' });
  expect(routeOf('compare?runs=3.drop-table.4')).toEqual({ screen: 'compare', runIds: [3, 4], tab: null });
});
