/**
 * What is frozen in a phase: the network's modules as a tree, and the list of module paths that a configuration keeps. A
 * path covers everything below it, so the shortest list is written. Pure.
 */
import type { LayerRow } from '../../src-main/contract/model/model-spec.ts';

/** Only modules with something to train. */
export interface ModuleNode {
  path: string;
  /** Its last part. */
  name: string;
  /** The kind of layer, where it is one. */
  kind: string | null;
  /** Parameters that can be trained, its children's included. */
  parameterCount: number;
  children: readonly ModuleNode[];
}

export type FreezeState = 'free' | 'partly' | 'frozen';

interface Branch {
  path: string;
  kind: string | null;
  own: number;
  children: Map<string, Branch>;
}

export function moduleTree(layers: readonly LayerRow[]): ModuleNode[] {
  const root: Branch = { path: '', kind: null, own: 0, children: new Map() };
  for (const { path, kind, trainableCount } of layers) {
    if (trainableCount === 0) continue;
    let branch = root;
    for (const name of path.split('.')) {
      const child = branch.children.get(name) ?? {
        path: branch.path === '' ? name : `${branch.path}.${name}`,
        kind: null,
        own: 0,
        children: new Map<string, Branch>(),
      };
      branch.children.set(name, child);
      branch = child;
    }
    branch.kind = kind;
    branch.own += trainableCount;
  }
  return nodesBelow(root);
}

function nodesBelow(branch: Branch): ModuleNode[] {
  return [...branch.children].map(([name, child]) => {
    const children = nodesBelow(child);
    const below = children.reduce((sum, node) => sum + node.parameterCount, 0);
    return { path: child.path, name, kind: child.kind, parameterCount: child.own + below, children };
  });
}

export function covers(freeze: readonly string[], path: string): boolean {
  return freeze.some((frozen) => path === frozen || path.startsWith(`${frozen}.`));
}

export function freezeState(node: ModuleNode, freeze: readonly string[]): FreezeState {
  if (covers(freeze, node.path)) return 'frozen';
  const below = node.children.map((child) => freezeState(child, freeze));
  if (below.length > 0 && below.every((state) => state === 'frozen')) return 'frozen';
  return below.some((state) => state !== 'free') ? 'partly' : 'free';
}

/** The list with a module frozen or thawed, as short as it can be and in the network's order. Unknown paths go. */
export function withFrozen(
  tree: readonly ModuleNode[],
  freeze: readonly string[],
  path: string,
  frozen: boolean,
): string[] {
  const written = (node: ModuleNode): string[] => {
    const state = node.path === path ? (frozen ? 'frozen' : 'free') : freezeState(node, freeze);
    const holdsIt = path.startsWith(`${node.path}.`);
    if (!holdsIt && state !== 'partly') return state === 'frozen' ? [node.path] : [];
    const spread = state === 'frozen' ? node.children.map((child) => child.path) : freeze;
    const below = withFrozen(node.children, spread, path, frozen);
    const all = node.children.length > 0 && node.children.every((child) => below.includes(child.path));
    return all ? [node.path] : below;
  };
  return tree.flatMap(written);
}

/** How many parameters still train. */
export function trainableCount(layers: readonly LayerRow[], freeze: readonly string[]): number {
  return layers.reduce((sum, layer) => sum + (covers(freeze, layer.path) ? 0 : layer.trainableCount), 0);
}

/** Names by which encoders are known; a network without such a module is frozen up to its last layer. */
const backboneNames = ['encoder', 'backbone', 'features'];

/** The first children of the encoder, where there is one; else as much of the network as is frozen while its head learns. */
export function startOfEncoder(tree: readonly ModuleNode[], children: number): string[] {
  const encoder = tree.find(isEncoder);
  return encoder === undefined ? backboneOf(tree) : childrenOf(encoder, children);
}

/**
 * What is frozen when one network takes another's place: the same where it has such modules, else its own encoder, or as
 * many of its encoder's first children. Null where the two have nothing alike.
 */
export function frozenInstead(
  before: readonly ModuleNode[],
  after: readonly ModuleNode[],
  freeze: readonly string[],
): string[] | null {
  if (freeze.every((path) => hasModule(after, path))) return [...freeze];
  const wanted = freeze.join();
  const encoder = before.find(isEncoder);
  if (wanted === backboneOf(before).join() || wanted === childrenOf(encoder, Infinity).join()) return backboneOf(after);
  const count = encoder?.children.findIndex((_, index) => wanted === childrenOf(encoder, index + 1).join()) ?? -1;
  return count < 0 || !after.some(isEncoder) ? null : startOfEncoder(after, count + 1);
}

const isEncoder = (node: ModuleNode): boolean => backboneNames.includes(node.name) && node.children.length > 0;

const childrenOf = (node: ModuleNode | undefined, count: number): string[] =>
  node?.children.slice(0, count).map(({ path }) => path) ?? [];

const hasModule = (tree: readonly ModuleNode[], path: string): boolean =>
  tree.some((node) => node.path === path || (path.startsWith(`${node.path}.`) && hasModule(node.children, path)));

/** The modules that are frozen while only the head learns. */
export function backboneOf(tree: readonly ModuleNode[]): string[] {
  const named = tree.filter((node) => backboneNames.includes(node.name));
  if (named.length > 0) return named.map((node) => node.path);
  const [only] = tree;
  if (tree.length === 1 && only !== undefined && only.children.length > 1) return backboneOf(only.children);
  return tree.slice(0, -1).map((node) => node.path);
}
