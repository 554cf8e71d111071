/** Light or dark: the person's choice, and what it comes to on this system. Charts redraw when `resolved` changes. */
import { MediaQuery } from 'svelte/reactivity';
import type { Settings } from '../../src-main/contract/model/project.ts';

export type ThemeChoice = Settings['theme'];
export const themeLabels = { system: 'Like the system', dark: 'Dark', light: 'Light' } as const satisfies Record<
  ThemeChoice,
  string
>;

export class Theme {
  choice = $state<ThemeChoice>('system');
  readonly #systemIsLight = new MediaQuery('(prefers-color-scheme: light)');
  readonly resolved: 'dark' | 'light' = $derived(
    this.choice === 'system' ? (this.#systemIsLight.current ? 'light' : 'dark') : this.choice,
  );
}
