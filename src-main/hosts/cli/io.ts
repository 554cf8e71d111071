/**
 * What the command line needs from the terminal, and the ways it writes to it: results on stdout (as a table or as
 * JSON), everything else on stderr. A test gives it two strings instead.
 */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
}

export interface CliIo {
  stdout: Output;
  stderr: Output;
  /** Relative paths on the command line start here. */
  cwd: string;
  /** Ctrl-C. Returns a function that ends the subscription. */
  onInterrupt(listener: () => void): () => void;
  /** Leaves at once, without waiting for anything. */
  abort(): void;
}

export const exitCodes = { ok: 0, failed: 1, usage: 2, cancelled: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function say(io: CliIo, text: string): void {
  io.stderr.write(`${text}\n`);
}

/** Columns as wide as their widest cell; numbers, and what begins with one, to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const toTheRight = header.map((_, column) => rows.every((row) => /^[-+]?\d|^–?$/.test(row[column] ?? '')));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return toTheRight[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [header, ...rows].map((cells) => `${line(cells)}\n`).join('');
}

/** One line on stderr that is drawn over itself on a terminal, and left out where there is none. */
export class LiveLine {
  readonly #output: Output;
  #shown = false;

  constructor(io: CliIo) {
    this.#output = io.stderr;
  }

  show(text: string): void {
    if (!this.#output.isTTY) return;
    this.#output.write(`\r\x1b[K${text}`);
    this.#shown = true;
  }

  /** Makes room for lines that stay. */
  clear(): void {
    if (this.#shown) this.#output.write('\r\x1b[K');
    this.#shown = false;
  }
}

export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (Number.isInteger(value)) return value.toLocaleString('en-GB');
  return Math.abs(value) < 1000 ? value.toPrecision(4) : Math.round(value).toLocaleString('en-GB');
}

export function formatDuration(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
