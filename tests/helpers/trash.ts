/** The trash of projects in which no labels were deleted. */
import { Trash } from '../../src-main/services/library/trash.ts';

export const trash = new Trash({ restore: async () => null, forget: async () => undefined });
