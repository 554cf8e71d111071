/** Comma-separated values, RFC 4180. */

export function csvOf(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

/** What would begin a formula in a spreadsheet stays text there. */
function field(value: string | number): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  const text = /^[=@\t\r]|^[+-](?![\d.])/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A table as it is shown: one line a row, cells that span several are empty in the others. Numbers have a plain minus. */
export function csvOfTable(table: HTMLTableElement): string {
  const grid: string[][] = [];
  Array.from(table.rows).forEach((row, at) => {
    const line = (grid[at] ??= []);
    let column = 0;
    for (const cell of row.cells) {
      while (line[column] !== undefined) column++;
      for (let down = 0; down < cell.rowSpan; down++)
        for (let across = 0; across < cell.colSpan; across++)
          (grid[at + down] ??= [])[column + across] = down + across === 0 ? textOf(cell) : '';
      column += cell.colSpan;
    }
  });
  return csvOf(grid.map((line) => Array.from(line, (text) => text ?? '')));
}

const textOf = (cell: HTMLTableCellElement): string =>
  cell.innerText.replaceAll('−', '-').replaceAll(/\s+/g, ' ').trim();
