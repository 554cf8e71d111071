/** The network as a graph: its layers in a column, and arcs beside it for what skips layers; and networks side by side. Pure. */
import type { LayerActivations } from '../../src-main/contract/model/network-inside.ts';

export interface GraphArc {
  /** Places of layers; −1 is the image. */
  from: number;
  to: number;
  /** 0 is nearest to the column; arcs in one lane do not cross. */
  lane: number;
}

/** What a layer reads beside the layer before it. Short arcs lie inside of long ones. */
export function skipArcs(layers: readonly Pick<LayerActivations, 'path' | 'sources'>[]): GraphArc[] {
  const places = new Map(layers.map(({ path }, place) => [path, place]));
  const arcs = layers
    .flatMap(({ sources }, to) => sources.map((source) => ({ from: places.get(source) ?? -1, to })))
    .filter(({ from, to }) => from !== to - 1)
    .toSorted((a, b) => a.to - a.from - (b.to - b.from));
  const lanes: { from: number; to: number }[][] = [];
  return arcs.map((arc) => {
    const isFree = (lane: readonly { from: number; to: number }[]): boolean =>
      lane.every(({ from, to }) => arc.to <= from || arc.from >= to);
    const found = lanes.findIndex(isFree);
    const lane = found < 0 ? lanes.push([]) - 1 : found;
    lanes[lane]!.push(arc);
    return { ...arc, lane };
  });
}

export interface LayerRowOfRuns {
  path: string;
  kind: string;
  /** In the order of the runs; null where a network has no such layer. */
  layers: (LayerActivations | null)[];
  /** Of all of them. */
  from: number;
  to: number;
}

/** The layers of several networks, those of one name in one row; what only a later one has stands where it has it. */
export function layerRows(runs: readonly (readonly LayerActivations[])[]): LayerRowOfRuns[] {
  const paths: string[] = [];
  for (const layers of runs) {
    let at = 0;
    for (const { path } of layers) {
      const known = paths.indexOf(path);
      if (known < 0) paths.splice(at, 0, path);
      at = (known < 0 ? at : known) + 1;
    }
  }
  const byPath = runs.map((layers) => new Map(layers.map((layer) => [layer.path, layer])));
  return paths.map((path) => {
    const layers = byPath.map((own) => own.get(path) ?? null);
    const there = layers.filter((layer) => layer !== null);
    return {
      path,
      kind: there[0]!.kind,
      layers,
      from: Math.min(...there.map(({ min }) => min)),
      to: Math.max(...there.map(({ max }) => max)),
    };
  });
}
