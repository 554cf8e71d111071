/**
 * A small JSON document on disk: read with its schema, written whole or not at all. A file that does not fit its schema
 * is kept aside under another name, and the default takes its place; nothing of the person's is lost or guessed at.
 */
import { mkdir, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { writeFileAtomic } from '../engine/weights/atomic-file.ts';
import { fileError, systemCode } from './file-errors.ts';

export class JsonFile<T> {
  #file: string;
  #schema: v.GenericSchema<unknown, T>;
  #makeDefault: () => T;
  #value: Promise<T> | null = null;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(file: string, schema: v.GenericSchema<unknown, T>, makeDefault: () => T) {
    this.#file = file;
    this.#schema = schema;
    this.#makeDefault = makeDefault;
  }

  get(): Promise<T> {
    this.#value ??= this.#load();
    return this.#value;
  }

  /** Changes the document and writes it; changes made at the same time happen one after the other. */
  update(change: (value: T) => T): Promise<T> {
    const updating = this.#writing.then(async () => {
      const value = change(await this.get());
      await mkdir(dirname(this.#file), { recursive: true }).catch((error: unknown) => {
        throw fileError(error, 'make the folder for settings', dirname(this.#file));
      });
      await writeFileAtomic(this.#file, [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)]);
      this.#value = Promise.resolve(value);
      return value;
    });
    this.#writing = updating.catch(() => undefined);
    return updating;
  }

  async #load(): Promise<T> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return this.#makeDefault();
      throw fileError(error, 'read', this.#file);
    }
    const result = v.safeParse(this.#schema, parseJson(text));
    if (result.success) return result.output;
    await rename(this.#file, `${this.#file}.damaged-${new Date().toISOString().replaceAll(':', '-')}`).catch(
      (error: unknown) => {
        throw fileError(error, 'put the damaged file aside', this.#file);
      },
    );
    return this.#makeDefault();
  }
}

/** Undefined where the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
