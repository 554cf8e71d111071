/** What models are called, for lists that only know their ids. */
import type { Api } from '../../api/client.svelte.ts';

export class ModelNames {
  #labels = $state.raw<ReadonlyMap<string, string>>(new Map());

  constructor(api: Api) {
    api
      .call('model.list', {})
      .then((models) => (this.#labels = new Map(models.map((model) => [model.id, model.label]))))
      // The id says as much as the name; there is nothing to mend.
      .catch(() => {});
  }

  label(modelId: string): string {
    return this.#labels.get(modelId) ?? modelId;
  }
}
