/**
 * What a training step carries from one to the next, as flat vectors: which tensors lie in which vector, and what the
 * vectors are called. Parameters that decay and those that do not lie in vectors of their own (PyTorch's parameter
 * groups), so that the optimiser need not tell them apart element by element.
 */
import type { OptimiserConfig, PhaseConfig, RunConfig } from '../../contract/model/run.ts';
import { sizeOf } from '../graph/types.ts';
import { isFrozen, type NetworkPlan } from '../nn/network.ts';
import { optimiserFor } from '../nn/optimisers/index.ts';
import { FlatLayout, type ParameterSpec } from '../nn/parameters.ts';
import { lossScaleLayout, lossScaleName } from './loss-scaling.ts';

/** Parameters that the optimiser treats alike. */
export interface ParameterGroup {
  layout: FlatLayout;
  /** Whether the optimiser's weight decay reaches them. */
  decays: boolean;
  /** Behind the names of its vectors. */
  suffix: string;
}

export interface StateLayout {
  /** What is trained. Never empty. */
  groups: readonly ParameterGroup[];
  frozen: FlatLayout;
  buffers: FlatLayout;
}

/** How a step changes the weights. */
export interface UpdateSettings {
  optimiser: OptimiserConfig;
  clipNorm: number | null;
  /** Whether several steps make one update. */
  accumulates: boolean;
  /** What has a moving average: nothing; what is trained and the buffers; or what is frozen too, where its average has
   *  not arrived yet at values that an earlier phase trained. */
  averages: 'nothing' | 'trained' | 'everything';
  /** Whether the loss is scaled, for gradients in half precision. */
  scalesLoss?: boolean;
  /** Whether the gradient of the latest update is carried out of the step, to be looked at. */
  showsGradient?: boolean;
}

export interface StateVector {
  name: string;
  layout: FlatLayout;
}

/** float32 where it is not said, and nothing is watched. */
export type PrecisionAnd<K extends keyof RunConfig> = Pick<RunConfig, K> &
  Partial<Pick<RunConfig, 'precision' | 'monitoring'>>;

export function updateSettings(
  { accumulation, ema, precision, monitoring }: PrecisionAnd<'accumulation' | 'ema'>,
  phase: PhaseConfig,
): UpdateSettings {
  const { optimiser, clipNorm } = phase;
  return {
    optimiser,
    clipNorm,
    accumulates: accumulation > 1,
    averages: ema === null ? 'nothing' : 'trained',
    scalesLoss: precision === 'mixed',
    showsGradient: monitoring !== undefined && monitoring.layers !== 'nothing',
  };
}

/**
 * A group's vectors are about so many numbers, or one tensor that is larger: the optimiser's dozen passes over them then
 * stay in the processor's cache, and what they leave in between is small.
 */
const groupLength = 2 ** 20;

/** Parameters that decay and, where weight decay is on and spares some, those that do not; each in groups of limited length. */
export function stateLayout(plan: NetworkPlan, { optimiser, decayAll, freeze }: PhaseConfig): StateLayout {
  const trained = plan.parameters.filter((parameter) => !isFrozen(parameter, freeze));
  const spares = optimiser.weightDecay > 0 && !decayAll;
  const spared = spares ? trained.filter(isBiasOrNorm) : [];
  const decayed = trained.filter((parameter) => !spared.includes(parameter));
  return {
    groups: [
      ...groupsOf(decayed, { decays: true, suffix: '' }),
      ...groupsOf(spared, { decays: false, suffix: 'Undecayed' }),
    ],
    frozen: new FlatLayout(plan.parameters.filter((parameter) => isFrozen(parameter, freeze))),
    buffers: new FlatLayout(plan.buffers),
  };
}

function groupsOf(
  parameters: readonly ParameterSpec[],
  { decays, suffix }: Omit<ParameterGroup, 'layout'>,
): ParameterGroup[] {
  const groups: ParameterSpec[][] = [];
  let length = Infinity;
  for (const parameter of parameters) {
    const size = sizeOf(parameter.shape);
    if (length + size > groupLength) {
      groups.push([]);
      length = 0;
    }
    groups.at(-1)!.push(parameter);
    length += size;
  }
  return groups.map((members, i) => ({
    layout: new FlatLayout(members),
    decays,
    suffix: i === 0 ? suffix : `${suffix}${i + 1}`,
  }));
}

/** Biases, and the weights of norms, are the vectors among the parameters. */
const isBiasOrNorm = ({ shape }: ParameterSpec): boolean => shape.length <= 1;

/** Of the frozen parameters, which are fed and stay. */
export const frozenName = 'frozen';
/** Role of the vectors that hold the gradient of the latest update, neither scaled nor clipped. */
export const shownGradient = 'shownGradient';
/** Names of a group's own vectors. */
export const groupVector = (role: string, { suffix }: ParameterGroup): string => role + suffix;

/** Roles of each group's vectors in the order in which they are carried. */
function groupRoles({ optimiser, accumulates, averages, showsGradient }: UpdateSettings): readonly string[] {
  return [
    'parameters',
    ...optimiserFor(optimiser).slots(optimiser),
    ...(accumulates ? ['gradientSum'] : []),
    ...(averages === 'nothing' ? [] : ['average']),
    ...(showsGradient ? [shownGradient] : []),
  ];
}

/** What a step changes, in the order of the Loop's carried values. Empty vectors are not part of a graph. */
export function carriedVectors({ groups, frozen, buffers }: StateLayout, update: UpdateSettings): StateVector[] {
  const vectors = groups.flatMap((group) =>
    groupRoles(update).map((role) => ({ name: groupVector(role, group), layout: group.layout })),
  );
  vectors.push({ name: 'buffers', layout: buffers });
  if (update.averages !== 'nothing') vectors.push({ name: 'averageBuffers', layout: buffers });
  if (update.averages === 'everything') vectors.push({ name: 'averageFrozen', layout: frozen });
  if (update.scalesLoss) vectors.push({ name: lossScaleName, layout: lossScaleLayout });
  return vectors.filter(({ layout }) => layout.length > 0);
}
