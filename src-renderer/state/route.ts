/**
 * Where the person is, as data, and its form in the address bar: `#/<project id>/data/3?split=train`. The hash keeps
 * back, forward and reload working in every host. Pure: the class that follows the browser is in router.svelte.ts.
 */
import * as v from 'valibot';
import { split, type Split } from '../../src-main/contract/model/dataset.ts';
import {
  categoryId,
  datasetId,
  imageId,
  projectId,
  runId,
  type CategoryId,
  type DatasetId,
  type ImageId,
  type ProjectId,
  type RunId,
} from '../../src-main/contract/model/ids.ts';

export const dataLayouts = ['grid', 'montage'] as const;
export type DataLayout = (typeof dataLayouts)[number];

/** `at` is the image's place in the filtered list; null where it was opened from elsewhere (a prediction). */
export interface OpenImage {
  imageId: ImageId;
  at: number | null;
}

export interface DataRoute {
  screen: 'data';
  /** Null: whichever data set was looked at last. */
  datasetId: DatasetId | null;
  layout: DataLayout;
  splits: readonly Split[];
  categoryIds: readonly CategoryId[];
  /** The image shown large, over the grid. */
  image: OpenImage | null;
}

export type Route =
  | { screen: 'start' }
  | DataRoute
  | { screen: 'train'; datasetId: DatasetId | null; cloneOf: RunId | null }
  | { screen: 'runs' }
  | { screen: 'run'; runId: RunId; tab: string | null }
  | { screen: 'compare'; runIds: readonly RunId[]; tab: string | null }
  | { screen: 'settings' }
  | { screen: 'devices' };
export type ScreenName = Route['screen'];

export interface Place {
  /** Null on the start screen, and in the settings and the devices when no project is open. */
  projectId: ProjectId | null;
  route: Route;
}

export const startPlace: Place = { projectId: null, route: { screen: 'start' } };

export function dataRoute(changes: Partial<Omit<DataRoute, 'screen'>> = {}): DataRoute {
  return { screen: 'data', datasetId: null, layout: 'grid', splits: [], categoryIds: [], image: null, ...changes };
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
          ['split', route.splits.join('.')],
          ['class', route.categoryIds.join('.')],
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
    case 'settings':
    case 'devices':
      return { segments: [route.screen], query: [] };
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
    case 'settings':
    case 'devices':
      return { screen };
    case 'run': {
      const id = readId(runId, argument);
      return id === null ? { screen: 'runs' } : { screen, runId: id, tab: query.get('tab') };
    }
    case 'compare':
      return { screen, runIds: readIds(runId, query.get('runs')), tab: query.get('tab') };
    default:
      return dataRoute({
        datasetId: readId(datasetId, argument),
        layout: dataLayouts.find((layout) => layout === query.get('layout')) ?? 'grid',
        splits: readList(query.get('split')).flatMap((text) => readOne(split, text)),
        categoryIds: readIds(categoryId, query.get('class')),
        image: readImage(query),
      });
  }
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
