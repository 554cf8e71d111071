/** What the components here take as an icon: one of @lucide/svelte's. */
import type { Component } from 'svelte';

export type Icon = Component<{ size?: number | string; strokeWidth?: number | string; 'aria-hidden'?: 'true' }>;
