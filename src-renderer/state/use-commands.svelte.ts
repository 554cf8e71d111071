/** Registers a component's commands for as long as it stands. Call it while the component is being set up. */
import type { Command } from './commands.svelte.ts';
import { useApp } from './context.ts';

export function useCommands(commands: readonly Command[]): void {
  const app = useApp();
  $effect.pre(() => app.commands.register(commands));
}
