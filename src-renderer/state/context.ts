/** How components reach the state that App.svelte made. */
import { createContext } from 'svelte';
import type { AppState } from './app-state.svelte.ts';
import type { ProjectSession } from './project-session.svelte.ts';

export const [useApp, provideApp] = createContext<AppState>();
/** Only inside an open project. */
export const [useSession, provideSession] = createContext<ProjectSession>();
