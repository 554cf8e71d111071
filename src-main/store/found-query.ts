/**
 * Conditions over `image i` about what is not in its own row nor in its labels: tags, folders, days, and what runs found.
 * `bind` makes a parameter of a value and gives its name. Like all of a query, each looks at one range of ids only.
 */
import type { RunId } from '../contract/model/ids.ts';
import type { RunMeasure } from '../contract/query/syntax.ts';

export type Bind = (value: string | number) => string;

export function hasTag(tag: string, bind: Bind): string {
  return `EXISTS (SELECT 1 FROM image_tag t WHERE t.image_id = i.id AND t.tag = ${bind(tag)})`;
}

/** Directly or deeper in a folder of this name, wherever that is in the path. */
export function inFolder(folder: string, bind: Bind): string {
  const name = folder.replace(/^\/+|\/+$/g, '').replace(/[\\%_]/g, '\\$&');
  return `(i.name LIKE ${bind(`${name}/%`)} ESCAPE '\\' OR i.name LIKE ${bind(`%/${name}/%`)} ESCAPE '\\')`;
}

const IS_EDITED = '(a.created_at IS NOT NULL OR a.updated_at IS NOT NULL)';

/**
 * Images with a label that was made or changed at a time (ISO text) for which `holds`; labels that came with their data
 * set and were never changed are as old as that is.
 */
export function editedWhen(holds: (time: string) => string): string {
  const edited = `SELECT a.image_id FROM annotation a INDEXED BY annotation_by_edit WHERE ${IS_EDITED}`;
  const inRange = 'a.image_id > @after AND a.image_id <= @last';
  return `(i.id IN (${edited} AND ${inRange} AND ${holds('coalesce(a.updated_at, a.created_at)')})
  OR (${holds('(SELECT d.created_at FROM dataset d WHERE d.id = @datasetId)')}
    AND i.label_count > (SELECT count(*) FROM (${edited} AND a.image_id = i.id))))`;
}

/** Without a test: images that the run was measured by. `test` makes a condition of a column. */
export function foundByRun(
  runId: RunId,
  test: { measure: RunMeasure; holds: (column: string) => string } | null,
  bind: Bind,
): string {
  const holds = test === null ? '' : ` AND ${test.holds(`r.${test.measure}`)}`;
  return `i.id IN (SELECT r.image_id FROM image_result r WHERE r.run_id = ${bind(runId)}
  AND r.image_id > @after AND r.image_id <= @last${holds})`;
}
