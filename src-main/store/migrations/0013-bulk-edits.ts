/** Changes of more labels than one short transaction takes. Frozen once released, like every migration. */
export const sql = `
-- A gesture of which a part is done; whoever opens the project does the rest. work: JSON, what is to be done to which labels.
-- place: how far in it; done and total count the same for whoever watches.
CREATE TABLE bulk_edit (
  gesture_id INTEGER PRIMARY KEY REFERENCES gesture (id),
  work       TEXT NOT NULL,
  place      INTEGER NOT NULL,
  done       INTEGER NOT NULL,
  total      INTEGER NOT NULL
) STRICT;
`;
