/**
 * Reads a JSON file of any size piece by piece: hands over the elements of the arrays at its top level, parsed, each with
 * the array's key and the line it begins in, those of one piece together. What else the top level holds is passed over.
 */
import { FoveaError } from '../contract/errors.ts';
import type { ByteChunks } from './byte-reader.ts';

export interface JsonElement {
  key: string;
  /** 1-based. */
  line: number;
  value: unknown;
}

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const OPENING_BRACE = 0x7b;

/** What a byte means outside of strings. */
const ordinary = 0;
const space = 1;
const quote = 2;
const opening = 3;
const closing = 4;
const comma = 5;
const newline = 6;
const kinds = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0d, 0xef, 0xbb, 0xbf]) kinds[byte] = space; // the last three: a byte-order mark
kinds[NEWLINE] = newline;
kinds[QUOTE] = quote;
for (const byte of [OPENING_BRACE, 0x5b]) kinds[byte] = opening;
for (const byte of [0x7d, 0x5d]) kinds[byte] = closing;
kinds[0x2c] = comma;

/** One element larger than this is no label. */
const MAX_ELEMENT_BYTES = 64 * 1024 * 1024;

/** The elements of the arrays named in `keys`. Throws FoveaError `bad-input` with the line where the text is no JSON. */
export async function* readJsonElements(
  file: string,
  chunks: ByteChunks,
  keys: readonly string[],
): AsyncGenerator<JsonElement[], void> {
  const splitter = new ElementSplitter(file, keys);
  for await (const chunk of chunks) {
    const elements = splitter.take(chunk);
    if (elements.length > 0) yield elements;
    if (splitter.failure !== null) throw splitter.failure;
  }
  splitter.end();
}

class ElementSplitter {
  /** What is wrong after the last element that was handed over. */
  failure: FoveaError | null = null;
  readonly #file: string;
  readonly #keys: readonly string[];
  readonly #decoder = new TextDecoder();
  #depth = 0;
  #line = 1;
  #inString = false;
  #escaped = false;
  #ended = false;
  #key = '';
  /** Whether the array that is being read is one of those. */
  #isWanted = false;
  /** The beginning of an element or a key, whose end is in a later piece. */
  #carried: Uint8Array = new Uint8Array(0);
  #isCarrying = false;
  #startLine = 1;
  /** Where the elements that were found in the current piece begin and end, and their lines. */
  #starts: number[] = [];
  #ends: number[] = [];
  #lines: number[] = [];

  constructor(file: string, keys: readonly string[]) {
    this.#file = file;
    this.#keys = keys;
  }

  /** The elements that end in this piece. */
  take(chunk: Uint8Array): JsonElement[] {
    const bytes = this.#isCarrying ? joined(this.#carried, chunk) : chunk;
    const found: JsonElement[] = [];
    const length = bytes.length;
    let start = this.#isCarrying ? 0 : -1;
    let [depth, inString, escaped] = [this.#depth, this.#inString, this.#escaped];
    for (let at = length - chunk.length; at < length; at++) {
      const byte = bytes[at] ?? 0;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) {
          inString = false;
          if (depth === 1) {
            // A key, or a value that is a string; the key before an array is the last string before it.
            this.#key = this.#decoder.decode(bytes.subarray(start + 1, at));
            start = -1;
          }
        }
        continue;
      }
      const kind = kinds[byte];
      if (kind === space || (kind === ordinary && (start >= 0 || depth > 2))) continue;
      if (kind === newline) {
        this.#line++;
        continue;
      }
      if (this.#ended) {
        this.#fail(this.#line, 'more text follows after the end of the JSON.');
        break;
      }
      if (depth === 0 && byte !== OPENING_BRACE) {
        const isClosing = kind === closing;
        this.#fail(
          this.#line,
          isClosing ? 'a bracket is closed that was never opened.' : 'the file is no JSON object.',
        );
        break;
      }
      if (kind === comma) {
        if (depth === 2 && start >= 0) {
          this.#found(start, at);
          start = -1;
        }
        continue;
      }
      if (kind === closing) {
        depth--;
        if (depth === 1) {
          if (start >= 0) this.#found(start, at);
          start = -1;
          this.#parseInto(found, bytes);
          this.#isWanted = false;
        }
        if (depth === 0) this.#ended = true;
        continue;
      }
      if (start < 0 && ((depth === 2 && this.#isWanted) || (depth === 1 && kind === quote))) {
        start = at;
        this.#startLine = this.#line;
      }
      if (kind === quote) inString = true;
      else if (kind === opening) {
        if (depth === 1) this.#isWanted = byte !== OPENING_BRACE && this.#keys.includes(this.#key);
        depth++;
      }
    }
    [this.#depth, this.#inString, this.#escaped] = [depth, inString, escaped];
    this.#parseInto(found, bytes);
    this.#isCarrying = start >= 0;
    this.#carried = bytes.slice(start >= 0 ? start : length);
    if (this.#carried.length > MAX_ELEMENT_BYTES) {
      this.#fail(this.#startLine, `an element of “${this.#key}” is larger than 64 MB.`);
    }
    return found;
  }

  /** Throws where the text is not complete. */
  end(): void {
    if (!this.#ended) this.#fail(this.#line, 'the file ends in the middle; it was cut off. Copy it again.');
    if (this.failure !== null) throw this.failure;
  }

  #found(start: number, end: number): void {
    this.#starts.push(start);
    this.#ends.push(end);
    this.#lines.push(this.#startLine);
  }

  /** Parsing many elements at once is several times quicker than one by one; those in the text are of one array. */
  #parseInto(found: JsonElement[], bytes: Uint8Array): void {
    const lines = this.#lines;
    if (lines.length === 0) return;
    const values = this.#parseTogether(bytes) ?? this.#parseSingly(bytes);
    values.forEach((value, index) => found.push({ key: this.#key, line: lines[index] ?? 0, value }));
    this.#starts = [];
    this.#ends = [];
    this.#lines = [];
  }

  /** Null where something is wrong with one of them. */
  #parseTogether(bytes: Uint8Array): unknown[] | null {
    const text = this.#decoder.decode(bytes.subarray(this.#starts[0], this.#ends.at(-1)));
    try {
      const values = JSON.parse(`[${text}]`) as unknown[];
      return values.length === this.#starts.length ? values : null;
    } catch {
      return null;
    }
  }

  /** Those before the first that is wrong. */
  #parseSingly(bytes: Uint8Array): unknown[] {
    const values: unknown[] = [];
    for (const [index, start] of this.#starts.entries()) {
      try {
        values.push(JSON.parse(this.#decoder.decode(bytes.subarray(start, this.#ends[index]))));
      } catch (error) {
        const why = error instanceof Error ? error.message : '';
        this.#fail(this.#lines[index] ?? 0, `an element of “${this.#key}” is no valid JSON (${why}).`);
        return values;
      }
    }
    return values;
  }

  /** The first failure is the one that is told. */
  #fail(line: number, what: string): void {
    const file = this.#file;
    this.failure ??= new FoveaError('bad-input', `${file}: line ${line}: ${what}`, { file, line });
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
