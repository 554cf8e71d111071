/** One line of a menu. */
import type { Icon } from './icon.ts';

export type MenuEntry =
  | { kind: 'separator' }
  | { kind: 'heading'; label: string }
  | {
      kind: 'action';
      label: string;
      /** A second, quieter line. */
      detail?: string;
      icon?: Icon;
      shortcut?: string;
      danger?: boolean;
      disabled?: boolean;
      /** This is where the person is. */
      current?: boolean;
      run: () => void;
    };
