/** All migrations in order. A migration, once released, never changes; a new one is a new file and a new line here. */
import { sql as foundation } from './0001-foundation.ts';
import { sql as library } from './0002-library.ts';
import { sql as runs } from './0003-runs.ts';
import { sql as annotate } from './0004-annotate.ts';
import { sql as browse } from './0005-browse.ts';
import { sql as sweeps } from './0006-sweeps.ts';
import { sql as interventions } from './0007-interventions.ts';
import { sql as librarySpeed } from './0008-library-speed.ts';
import { sql as classes } from './0009-classes.ts';
import { sql as libraryViews } from './0010-library-views.ts';
import { sql as classBits } from './0011-class-bits.ts';
import { sql as boxBits } from './0012-box-bits.ts';
import { sql as bulkEdits } from './0013-bulk-edits.ts';
import { sql as boxLevels } from './0014-box-levels.ts';
import { sql as labelTrash } from './0015-label-trash.ts';

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export const migrations: readonly Migration[] = [
  { number: 1, name: 'foundation', sql: foundation },
  { number: 2, name: 'library', sql: library },
  { number: 3, name: 'runs', sql: runs },
  { number: 4, name: 'annotate', sql: annotate },
  { number: 5, name: 'browse', sql: browse },
  { number: 6, name: 'sweeps', sql: sweeps },
  { number: 7, name: 'interventions', sql: interventions },
  { number: 8, name: 'library-speed', sql: librarySpeed },
  { number: 9, name: 'classes', sql: classes },
  { number: 10, name: 'library-views', sql: libraryViews },
  { number: 11, name: 'class-bits', sql: classBits },
  { number: 12, name: 'box-bits', sql: boxBits },
  { number: 13, name: 'bulk-edits', sql: bulkEdits },
  { number: 14, name: 'box-levels', sql: boxLevels },
  { number: 15, name: 'label-trash', sql: labelTrash },
];
