/** Sweeps, the order of the queue, and runs that a scheduler trains elsewhere. Frozen once released, like every migration. */
export const sql = `
-- plan: a SweepPlan as JSON. trials: a JSON list, one entry for each of its runs in the order in which they were made.
-- trashed_at as with runs; the runs that went with the sweep have the same moment.
CREATE TABLE sweep (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL,
  plan       TEXT NOT NULL,
  trials     TEXT NOT NULL,
  created_at TEXT NOT NULL,
  trashed_at TEXT
) STRICT;

-- sweep_trial: the run's place in the sweep's trials.
-- slurm_job: "12_3", the task of a job array that trains the run, or trained it last; NULL where this machine does.
ALTER TABLE run ADD COLUMN sweep_id INTEGER REFERENCES sweep (id) ON DELETE SET NULL;
ALTER TABLE run ADD COLUMN sweep_trial INTEGER;
ALTER TABLE run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN slurm_job TEXT;

CREATE INDEX run_by_sweep ON run (sweep_id, sweep_trial) WHERE sweep_id IS NOT NULL;
`;
