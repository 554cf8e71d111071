/**
 * Reads a JSON file of any size piece by piece: hands over each element of the arrays at its top level, parsed, with the
 * array's key and the line it begins in. Only one element is in memory at a time. What else the top level holds is
 * passed over.
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
const OPENING_BRACE = 0x7b;

/** What a byte means outside of strings. */
const ordinary = 0;
const space = 1;
const quote = 2;
const opening = 3;
const closing = 4;
const comma = 5;
const kinds = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0d, NEWLINE, 0xef, 0xbb, 0xbf]) kinds[byte] = space; // the last three: a byte-order mark
kinds[0x22] = quote;
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
): AsyncGenerator<JsonElement, void> {
  const decoder = new TextDecoder();
  const fail = (line: number, what: string): FoveaError =>
    new FoveaError('bad-input', `${file}: line ${line}: ${what}`, { file, line });
  let [depth, line, startLine] = [0, 1, 1];
  let [inString, escaped, ended] = [false, false, false];
  /** Bytes of the key, the element or the value being read; null while nothing is kept. */
  let kept: Uint8Array[] | null = null;
  let keptBytes = 0;
  let key = '';

  const keep = (bytes: Uint8Array): void => {
    keptBytes += bytes.length;
    if (keptBytes > MAX_ELEMENT_BYTES) throw fail(startLine, `an element of “${key}” is larger than 64 MB.`);
    kept?.push(bytes.slice());
  };
  const take = (): string => {
    const text = decoder.decode(joined(kept ?? [], keptBytes));
    kept = null;
    keptBytes = 0;
    return text;
  };
  const element = (): JsonElement => {
    const text = take();
    try {
      return { key, line: startLine, value: JSON.parse(text) };
    } catch (error) {
      throw fail(
        startLine,
        `an element of “${key}” is no valid JSON (${error instanceof Error ? error.message : ''}).`,
      );
    }
  };

  for await (const chunk of chunks) {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === NEWLINE) line++;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (kinds[byte] === quote) {
          inString = false;
          if (depth === 1 && kept !== null) {
            keep(chunk.subarray(from, at));
            key = take();
          }
        }
        continue;
      }
      const kind = kinds[byte];
      if (kind === space || (kind === ordinary && (kept !== null || depth > 2))) continue;
      if (ended) throw fail(line, 'more text follows after the end of the JSON.');
      const wanted = depth === 2 && keys.includes(key);
      if (kind === quote) {
        inString = true;
        if (depth === 1) {
          // A key, or a value that is a string; the key before an array is the last string before it.
          kept = [];
          keptBytes = 0;
          from = at + 1;
        } else if (wanted && kept === null) {
          kept = [];
          from = at;
          startLine = line;
        }
      } else if (kind === opening) {
        if (depth === 0 && byte !== OPENING_BRACE) throw fail(line, 'the file is no JSON object.');
        if (depth === 1 && byte === OPENING_BRACE) key = '';
        if (wanted && kept === null) {
          kept = [];
          from = at;
          startLine = line;
        }
        depth++;
      } else if (kind === closing) {
        depth--;
        if (depth < 0) throw fail(line, 'a bracket is closed that was never opened.');
        if (depth === 1 && kept !== null) {
          keep(chunk.subarray(from, at));
          yield element();
        }
        if (depth === 0) ended = true;
      } else if (kind === comma) {
        if (wanted && kept !== null) {
          keep(chunk.subarray(from, at));
          yield element();
        }
      } else if (depth === 0) {
        throw fail(line, 'the file is no JSON object.');
      } else if (wanted && kept === null) {
        kept = [];
        from = at;
        startLine = line;
      }
    }
    if (kept !== null) keep(chunk.subarray(from));
  }
  if (!ended) throw fail(line, 'the file ends in the middle; it was cut off. Copy it again.');
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
