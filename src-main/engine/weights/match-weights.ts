/**
 * Which tensor of a file belongs to which of a network, by names and shapes alone. The file's names may stand under a
 * prefix ("module.", "model.") and be another package's; the network may hold the file's network as its encoder. Of all
 * readings, the one that loads most is taken.
 */
import type { InputScaling, PaddingStyle, WeightsFit } from '../../contract/model/weights.ts';
import { elementCount } from './tensor-source.ts';

export interface NamedShape {
  name: string;
  shape: readonly number[];
}

/** How a family of checkpoints calls its tensors. */
export interface NamingScheme {
  label: string;
  /** A name that files of this kind have, behind their prefix; null where `metadata` tells them. */
  signature: string | null;
  metadata?: Readonly<Record<string, string>>;
  /** How its networks pad and what they are fed, where the names tell. */
  padding: PaddingStyle | null;
  scaling: InputScaling | null;
  /** Numbered blocks, for `$block` in rules. */
  blocks?: string;
  /**
   * Module paths and what they are called here; the first rule that fits counts. "#" stands for a number, which is "$1",
   * "$2" … on the other side. Without rules the names are our own.
   */
  rules?: readonly (readonly [from: string, to: string])[];
}

/** A batch norm and the convolution before it, as paths. */
export interface NormPair {
  conv: string;
  norm: string;
}

/** A convolution into which the file has folded its batch norm: names of the file's tensors. */
export interface FoldedNorm extends NormPair {
  weight: string;
  bias: string;
}

export interface WeightMatch {
  fit: WeightsFit;
  /** Name in the network → name in the file. */
  sources: ReadonlyMap<string, string>;
  folded: readonly FoldedNorm[];
}

export interface MatchQuestion {
  /** Parameters and buffers of the network. */
  targets: readonly NamedShape[];
  /** Its batch norms behind convolutions without bias. */
  norms: readonly NormPair[];
  network: { padding: PaddingStyle | null; scaling: InputScaling | null };
  file: { tensors: readonly NamedShape[]; metadata: Readonly<Record<string, string>> };
  schemes: readonly NamingScheme[];
  /** What is known of the file beside its names. */
  known?: { padding?: PaddingStyle | null; scaling?: InputScaling | null };
}

/** Under which segmentation networks hold their encoder. */
const encoderPrefix = 'encoder.';
/** Averaged weights come before those they are averages of. */
const preferredPrefix = /^(ema|model_ema|state_dict_ema|average)\./;
/** Moments and the like have the shapes of weights. */
const neverPrefix = /^(optimi[sz]er|optim)\w*\./;
const deepestPrefix = 3;
const mostNamed = 200;

export function matchWeights(question: MatchQuestion): WeightMatch {
  const { targets, file } = question;
  const targetsByName = new Map(targets.map((target) => [target.name, target]));
  const names = file.tensors.map(({ name }) => name);
  const present = new Set(names);
  let best: Reading = { sources: new Map(), misfits: new Map(), below: [], prefix: '', targetPrefix: '', scheme: null };
  for (const prefix of prefixesOf(names)) {
    const below = file.tensors.filter(({ name }) => name.startsWith(prefix));
    const schemes = question.schemes.filter((scheme) => isOfScheme(scheme, prefix, present, file.metadata));
    const translations = [
      ...schemes.filter(({ rules }) => rules !== undefined),
      schemes.find(({ rules }) => rules === undefined) ?? null,
    ];
    for (const scheme of translations) {
      const translate = translatorOf(scheme, prefix, below);
      const translated = below.flatMap((tensor) => {
        const own = translate(tensor.name);
        return own === null ? [] : [{ ...tensor, own }];
      });
      for (const targetPrefix of ['', encoderPrefix]) {
        const reading = readAs({ below: translated, prefix, targetPrefix, scheme, targetsByName });
        if (reading.sources.size > best.sources.size) best = reading;
      }
    }
  }
  return conclude(question, best);
}

/** A tensor of the file, and what the network would call it. */
interface Translated extends NamedShape {
  own: string;
}

interface Reading {
  /** Name in the network → name in the file, of those that fit; a folded norm's bias stands under its convolution's. */
  sources: Map<string, string>;
  /** Name in the network → shape in the file, of those that do not. */
  misfits: Map<string, readonly number[]>;
  below: readonly Translated[];
  prefix: string;
  targetPrefix: string;
  scheme: NamingScheme | null;
}

interface ReadingOptions extends Pick<Reading, 'below' | 'prefix' | 'targetPrefix' | 'scheme'> {
  targetsByName: ReadonlyMap<string, NamedShape>;
}

function readAs({ targetsByName, ...reading }: ReadingOptions): Reading {
  const sources = new Map<string, string>();
  const misfits = new Map<string, readonly number[]>();
  for (const { name, shape, own } of reading.below) {
    const target = targetsByName.get(reading.targetPrefix + own);
    if (target === undefined) continue;
    if (fits(target.shape, shape)) sources.set(target.name, name);
    else misfits.set(target.name, shape);
  }
  return { ...reading, sources, misfits };
}

/** The same shape, or a 1×1 convolution where there is a matrix, and the other way round. */
function fits(target: readonly number[], source: readonly number[]): boolean {
  if (target.join() === source.join()) return true;
  const ranks = [target.length, source.length].sort((a, b) => a - b).join();
  return ranks === '2,4' && target[0] === source[0] && elementCount(target) === elementCount(source);
}

/** The file's folded norms: their convolution is there with a bias, and they themselves are not. */
function foldedNorms({ norms }: MatchQuestion, { sources, below, targetPrefix }: Reading): FoldedNorm[] {
  const byTarget = new Map(below.map(({ name, own }) => [targetPrefix + own, name]));
  return norms.flatMap(({ conv, norm }) => {
    const weight = sources.get(`${conv}.weight`);
    const bias = byTarget.get(`${conv}.bias`);
    const isThere = sources.has(`${norm}.weight`) || sources.has(`${norm}.running_mean`);
    return weight === undefined || bias === undefined || isThere ? [] : [{ conv, norm, weight, bias }];
  });
}

const normTensors = ['weight', 'bias', 'running_mean', 'running_var'] as const;

function conclude(question: MatchQuestion, reading: Reading): WeightMatch {
  const { targets, file, network, known = {} } = question;
  const folded = reading.sources.size === 0 ? [] : foldedNorms(question, reading);
  const rebuilt = new Set(folded.flatMap(({ norm }) => normTensors.map((tensor) => `${norm}.${tensor}`)));
  const isLoaded = ({ name }: NamedShape): boolean => reading.sources.has(name) || rebuilt.has(name);
  const fresh = targets.filter((target) => !isLoaded(target));
  const used = new Set([...reading.sources.values(), ...folded.map(({ bias }) => bias)]);
  const unused = file.tensors.filter(({ name }) => !used.has(name));
  const sum = (items: readonly NamedShape[]): number =>
    items.reduce((total, { shape }) => total + elementCount(shape), 0);
  const said = saidOf(file.metadata);
  const nothing = reading.sources.size === 0;
  return {
    sources: reading.sources,
    folded,
    fit: {
      naming: nothing ? null : (reading.scheme?.label ?? 'the network’s own'),
      prefix: reading.prefix,
      total: targets.length,
      loaded: targets.length - fresh.length,
      totalElements: sum(targets),
      loadedElements: sum(targets) - sum(fresh),
      fresh: fresh.slice(0, mostNamed).map(({ name }) => {
        const fileShape = reading.misfits.get(name);
        return { name, reason: fileShape ? 'shape' : 'absent', fileShape: fileShape ? [...fileShape] : null };
      }),
      unused: unused.length,
      unusedNames: unused.slice(0, mostNamed).map(({ name }) => name),
      rebuiltNorms: folded.length,
      padding: { weights: known.padding ?? said.padding ?? reading.scheme?.padding ?? null, network: network.padding },
      scaling: { weights: known.scaling ?? said.scaling ?? reading.scheme?.scaling ?? null, network: network.scaling },
    },
  };
}

/** What a file says in words of its padding and its inputs. */
function saidOf(metadata: Readonly<Record<string, string>>): {
  padding: PaddingStyle | null;
  scaling: InputScaling | null;
} {
  const text = Object.values(metadata).join('\n');
  return {
    padding: /\bsame padding\b/i.test(text) ? 'same' : null,
    scaling: /\/\s*127\.5\s*[-−]\s*1\b/.test(text) ? 'minus-one-to-one' : null,
  };
}

/** "", and what stands before a dot at the beginning of several names; the likeliest first. */
function prefixesOf(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) {
    let end = -1;
    for (let depth = 0; depth < deepestPrefix; depth++) {
      end = name.indexOf('.', end + 1);
      if (end < 0) break;
      const prefix = name.slice(0, end + 1);
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  const mostPrefixes = 16;
  const common = [...counts]
    .filter(([prefix, count]) => count > 1 && !neverPrefix.test(prefix))
    .sort(([, a], [, b]) => b - a)
    .slice(0, mostPrefixes)
    .map(([prefix]) => prefix);
  const rank = (prefix: string): number => (preferredPrefix.test(prefix) ? 0 : 1);
  return ['', ...common].sort((a, b) => rank(a) - rank(b) || a.length - b.length);
}

function isOfScheme(
  { signature, metadata }: NamingScheme,
  prefix: string,
  names: ReadonlySet<string>,
  said: Readonly<Record<string, string>>,
): boolean {
  if (metadata) return Object.entries(metadata).every(([key, value]) => said[key] === value);
  return [prefix, prefix + encoderPrefix].some((start) => names.has(start + signature));
}

/** Gives a file's name as the network would have it, or null where no rule fits. */
function translatorOf(
  scheme: NamingScheme | null,
  prefix: string,
  below: readonly NamedShape[],
): (name: string) => string | null {
  const rules = scheme?.rules;
  if (rules === undefined) return (name) => name.slice(prefix.length);
  const compiled = rules.map(([from, to]) => ({ pattern: patternOf(from, '$'), to }));
  const numbers = blockNumbers(scheme?.blocks, prefix, below);
  const translatedPath = (path: string): string | null => {
    for (const { pattern, to } of compiled) {
      const found = pattern.exec(path);
      if (!found) continue;
      const block = numbers(`${path}.`);
      return to
        .replace(/\$block(\+1)?/, (_, more: string | undefined) => String(block + (more ? 1 : 0)))
        .replace(/\$(\d)/g, (_, group: string) => found[Number(group)] ?? '');
    }
    return null;
  };
  // A module has up to four tensors.
  const known = new Map<string, string | null>();
  return (name) => {
    const bare = name.slice(prefix.length);
    const dot = bare.lastIndexOf('.');
    const path = bare.slice(0, dot);
    const translated = known.get(path) ?? translatedPath(path);
    known.set(path, translated);
    return translated === null ? null : translated + bare.slice(dot);
  };
}

function patternOf(text: string, end: string): RegExp {
  return new RegExp(`^${text.replaceAll('.', '\\.').replaceAll('#', '(\\d+)')}${end}`);
}

/** Blocks are numbered on from stage to stage. */
function blockNumbers(
  blocks: string | undefined,
  prefix: string,
  below: readonly NamedShape[],
): (name: string) => number {
  if (blocks === undefined) return () => 0;
  const pattern = patternOf(blocks, '(?=\\.)');
  const keyOf = (name: string): readonly number[] | null => {
    const found = pattern.exec(name);
    return found && [Number(found[1]), Number(found[2])];
  };
  const keys = new Map<string, readonly number[]>();
  for (const { name } of below) {
    const key = keyOf(name.slice(prefix.length));
    if (key) keys.set(key.join(), key);
  }
  const ordered = [...keys].sort(([, a], [, b]) => a[0]! - b[0]! || a[1]! - b[1]!).map(([text]) => text);
  const places = new Map(ordered.map((text, index) => [text, index]));
  return (name) => places.get(keyOf(name)?.join() ?? '') ?? 0;
}
