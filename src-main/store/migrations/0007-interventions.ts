/** Runs remember what a person changed in them while they trained. Frozen once released, like every migration. */
export const sql = `
-- A JSON list, as in interventions.json of the run's folder.
ALTER TABLE run ADD COLUMN interventions TEXT NOT NULL DEFAULT '[]';
`;
