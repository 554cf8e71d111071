/**
 * Where the person is, as data, and its form in the address bar: `#/<project id>/data/3?split=train`. The hash keeps
 * back, forward and reload working in every host. Pure: the class that follows the browser is in router.svelte.ts.
 */
import * as v from 'valibot';
import { imageOrders, runOrders, split, type ImageOrder, type Split } from '../../src-main/contract/model/dataset.ts';
import {
  categoryId,
  datasetId,
  imageId,
  predictionSetId,
  projectId,
  runId,
  sweepId,
  type CategoryId,
  type DatasetId,
  type ImageId,
  type PredictionSetId,
  type ProjectId,
  type RunId,
  type SweepId,
} from '../../src-main/contract/model/ids.ts';

export const dataLayouts = ['grid', 'montage', 'labels', 'health'] as const;
export type DataLayout = (typeof dataLayouts)[number];

/** `at` is the image's place in the filtered list; null where it was opened from elsewhere (a prediction). */
export interface OpenImage {
  imageId: ImageId;
  at: number | null;
}

/** A list of a data set's images: which of them, and in which order. */
interface ImageListRoute {
  splits: readonly Split[];
  categoryIds: readonly CategoryId[];
  /** The text query, see the contract's query/syntax.ts; empty for none. */
  query: string;
  order: ImageOrder;
}

export interface DataRoute extends ImageListRoute {
  screen: 'data';
  /** Null: whichever data set was looked at last. */
  datasetId: DatasetId | null;
  layout: DataLayout;
  /** The image shown large, over the grid. */
  image: OpenImage | null;
}

/** Labelling the images of the same list that the data screen shows under this filter. */
export interface AnnotateRoute extends ImageListRoute {
  screen: 'annotate';
  /** Null: whichever data set was looked at last. */
  datasetId: DatasetId | null;
  /** One image in the editor, or many at once to give each its class. */
  layout: 'image' | 'grid';
  /** Null: the first one that nobody has done. */
  image: OpenImage | null;
}

export type Route =
  | { screen: 'start' }
  | DataRoute
  | AnnotateRoute
  | { screen: 'train'; datasetId: DatasetId | null; cloneOf: RunId | null }
  | { screen: 'runs' }
  | { screen: 'sweeps' }
  | { screen: 'sweep'; sweepId: SweepId; tab: string | null }
  /** `sweepId` null: the latest one. */
  | { screen: 'lab'; sweepId: SweepId | null }
  | { screen: 'run'; runId: RunId; tab: string | null }
  | { screen: 'compare'; runIds: readonly RunId[]; tab: string | null }
  /** Images of no data set: those of a kept prediction; with `runId`, new ones are to be predicted by that run. */
  | { screen: 'predict'; predictionSetId: PredictionSetId | null; runId: RunId | null }
  | { screen: 'settings' }
  | { screen: 'devices' };
export type ScreenName = Route['screen'];

export interface Place {
  /** Null on the start screen, and in the settings and the devices when no project is open. */
  projectId: ProjectId | null;
  route: Route;
}

export const startPlace: Place = { projectId: null, route: { screen: 'start' } };

const orderAsAdded: ImageOrder = { by: 'added', descending: false };

const wholeList: ImageListRoute = { splits: [], categoryIds: [], query: '', order: orderAsAdded };

export function dataRoute(changes: Partial<Omit<DataRoute, 'screen'>> = {}): DataRoute {
  return { screen: 'data', datasetId: null, layout: 'grid', ...wholeList, image: null, ...changes };
}

export function annotateRoute(changes: Partial<Omit<AnnotateRoute, 'screen'>> = {}): AnnotateRoute {
  return { screen: 'annotate', datasetId: null, layout: 'image', ...wholeList, image: null, ...changes };
}

export function formatPlace(place: Place): string {
  const { segments, query } = formatRoute(place.route);
  const project = place.projectId === null ? [] : [place.projectId];
  const search = query.filter(([, value]) => value !== '').map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `#/${[...project, ...segments].join('/')}${search.length > 0 ? `?${search.join('&')}` : ''}`;
}

interface RouteText {
  segments: (string | number)[];
  query: [string, string][];
}

function formatRoute(route: Route): RouteText {
  switch (route.screen) {
    case 'start':
      return { segments: [], query: [] };
    case 'data':
      return {
        segments: route.datasetId === null ? ['data'] : ['data', route.datasetId],
        query: [
          ['layout', route.layout === 'grid' ? '' : route.layout],
          ...formatList(route),
          ['image', route.image === null ? '' : String(route.image.imageId)],
          ['at', route.image?.at == null ? '' : String(route.image.at)],
        ],
      };
    case 'annotate':
      return {
        segments: route.datasetId === null ? ['annotate'] : ['annotate', route.datasetId],
        query: [
          ['layout', route.layout === 'image' ? '' : route.layout],
          ...formatList(route),
          ['image', route.image === null ? '' : String(route.image.imageId)],
          ['at', route.image?.at == null ? '' : String(route.image.at)],
        ],
      };
    case 'train':
      return {
        segments: ['train'],
        query: [
          ['dataset', String(route.datasetId ?? '')],
          ['clone', String(route.cloneOf ?? '')],
        ],
      };
    case 'runs':
    case 'sweeps':
    case 'settings':
    case 'devices':
      return { segments: [route.screen], query: [] };
    case 'sweep':
      return { segments: ['sweep', route.sweepId], query: [['tab', route.tab ?? '']] };
    case 'lab':
      return { segments: route.sweepId === null ? ['lab'] : ['lab', route.sweepId], query: [] };
    case 'predict':
      return {
        segments: route.predictionSetId === null ? ['predict'] : ['predict', route.predictionSetId],
        query: [['run', String(route.runId ?? '')]],
      };
    case 'run':
      return { segments: ['run', route.runId], query: [['tab', route.tab ?? '']] };
    case 'compare':
      return {
        segments: ['compare'],
        query: [
          ['runs', route.runIds.join('.')],
          ['tab', route.tab ?? ''],
        ],
      };
  }
}

function formatList({ splits, categoryIds, query, order }: ImageListRoute): [string, string][] {
  return [
    ['split', splits.join('.')],
    ['class', categoryIds.join('.')],
    ['query', query],
    ['sort', order.by === 'added' && !order.descending ? '' : orderText(order)],
  ];
}

/** Never throws: what cannot be read falls back to the nearest sensible place, ending at the start screen. */
export function parsePlace(hash: string): Place {
  const [pathText = '', queryText = ''] = hash.replace(/^#?\/?/, '').split('?', 2);
  const segments = pathText.split('/').filter((segment) => segment !== '');
  const query = new URLSearchParams(queryText);
  const project = v.safeParse(projectId, segments[0]);
  if (!project.success) {
    const screen = (['settings', 'devices'] as const).find((candidate) => candidate === segments[0]);
    return screen === undefined ? startPlace : { projectId: null, route: { screen } };
  }
  return { projectId: project.output, route: parseRoute(segments.slice(1), query) };
}

function parseRoute([screen, argument]: string[], query: URLSearchParams): Route {
  switch (screen) {
    case 'train':
      return { screen, datasetId: readId(datasetId, query.get('dataset')), cloneOf: readId(runId, query.get('clone')) };
    case 'runs':
    case 'sweeps':
    case 'settings':
    case 'devices':
      return { screen };
    case 'sweep': {
      const id = readId(sweepId, argument);
      return id === null ? { screen: 'sweeps' } : { screen, sweepId: id, tab: query.get('tab') };
    }
    case 'lab':
      return { screen, sweepId: readId(sweepId, argument) };
    case 'run': {
      const id = readId(runId, argument);
      return id === null ? { screen: 'runs' } : { screen, runId: id, tab: query.get('tab') };
    }
    case 'predict':
      return {
        screen,
        predictionSetId: readOne(predictionSetId, argument)[0] ?? null,
        runId: readId(runId, query.get('run')),
      };
    case 'compare':
      return { screen, runIds: readIds(runId, query.get('runs')), tab: query.get('tab') };
    case 'annotate':
      return annotateRoute({
        datasetId: readId(datasetId, argument),
        layout: query.get('layout') === 'grid' ? 'grid' : 'image',
        ...readListRoute(query),
        image: readImage(query),
      });
    default:
      return dataRoute({
        datasetId: readId(datasetId, argument),
        layout: dataLayouts.find((layout) => layout === query.get('layout')) ?? 'grid',
        ...readListRoute(query),
        image: readImage(query),
      });
  }
}

function readListRoute(query: URLSearchParams): ImageListRoute {
  return {
    splits: readList(query.get('split')).flatMap((text) => readOne(split, text)),
    categoryIds: readIds(categoryId, query.get('class')),
    query: (query.get('query') ?? '').slice(0, 2000),
    order: readOrder(query.get('sort')),
  };
}

/** "labels", or "-labels" for the most first; "score.12" for what run 12 found. */
function orderText({ by, descending, runId: ofRun }: ImageOrder): string {
  return `${descending ? '-' : ''}${by}${ofRun === undefined ? '' : `.${ofRun}`}`;
}

function readOrder(text: string | null): ImageOrder {
  const [name, number] = (text ?? '').replace(/^-/, '').split('.', 2);
  const by = imageOrders.find((order) => order === name);
  if (by === undefined) return orderAsAdded;
  const ofRun = readId(runId, number);
  const needsRun = (runOrders as readonly string[]).includes(by);
  if (needsRun && ofRun === null) return orderAsAdded;
  return { by, descending: text?.startsWith('-') ?? false, ...(needsRun && ofRun !== null ? { runId: ofRun } : {}) };
}

function readImage(query: URLSearchParams): OpenImage | null {
  const id = readId(imageId, query.get('image'));
  if (id === null) return null;
  const at = query.get('at');
  return { imageId: id, at: at !== null && /^\d+$/.test(at) ? Number(at) : null };
}

type Schema<T> = v.GenericSchema<unknown, T>;

function readList(text: string | null): string[] {
  return text === null || text === '' ? [] : text.split('.');
}

function readOne<T>(schema: Schema<T>, value: unknown): T[] {
  const result = v.safeParse(schema, value);
  return result.success ? [result.output] : [];
}

function readIds<T>(schema: Schema<T>, text: string | null): T[] {
  return readList(text).flatMap((part) => readOne(schema, Number(part)));
}

function readId<T>(schema: Schema<T>, text: string | null | undefined): T | null {
  return readIds(schema, text ?? null)[0] ?? null;
}
