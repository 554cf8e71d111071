/** The optimisers by name. A new one is a record in a file here, one line below, and its settings in the contract. */
import type { OptimiserConfig } from '../../../contract/model/run.ts';
import { adam, adamw } from './adam.ts';
import type { ConfigOf, OptimiserDefinition } from './definition.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';

const OPTIMISERS = { sgd, adam, adamw, rmsprop } as const satisfies {
  [K in OptimiserConfig['kind']]: OptimiserDefinition<ConfigOf<K>>;
};

/** The record for a configuration's kind. */
export function optimiserFor(config: OptimiserConfig): OptimiserDefinition<OptimiserConfig> {
  return OPTIMISERS[config.kind] as unknown as OptimiserDefinition<OptimiserConfig>;
}
