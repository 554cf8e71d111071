/**
 * Runs that can be kept in order, that remember when their points were measured, and presets. Frozen once released, like
 * every migration.
 */
export const sql = `
-- Training time until the point was measured, pauses left out; NULL where nobody took it.
ALTER TABLE metric_point ADD COLUMN elapsed_ms REAL;

-- tags: a JSON list of words. resumed_epochs: a JSON list of the (fractional) epochs from which the run went on.
-- scores: latest and best value of each metric as JSON, worked out from the points; NULL while they have changed since.
-- trashed_at is set for a run that is deleted but can still be brought back; it goes for good when the project is opened.
ALTER TABLE run ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE run ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1));
ALTER TABLE run ADD COLUMN archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1));
ALTER TABLE run ADD COLUMN resumed_epochs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE run ADD COLUMN scores TEXT;
ALTER TABLE run ADD COLUMN trashed_at TEXT;

-- A configuration of a run under a name. Names that differ in case alone are the same name.
CREATE TABLE preset (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL COLLATE NOCASE UNIQUE,
  config     TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
`;
