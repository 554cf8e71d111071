/**
 * XML as trees, whole or element by element, and text that is safe inside of it. The parser knows the five built-in
 * entities and declares no others whatever a DOCTYPE says, so that no file can make it read another or grow without bound.
 */
import { SaxesParser } from 'saxes';
import { FoveaError } from '../contract/errors.ts';
import type { ByteChunks } from './byte-reader.ts';

export interface XmlElement {
  name: string;
  attributes: Readonly<Record<string, string>>;
  /** 1-based. */
  line: number;
  text: string;
  children: XmlElement[];
}

const MAX_DEPTH = 32;

/**
 * Builds trees of the elements that `wanted` picks, given the names of the elements around them from the outside in, and
 * hands each over when it ends. Throws FoveaError `bad-input` with the line where the text is no XML.
 */
class TreeParser {
  readonly #parser = new SaxesParser();
  readonly #file: string;

  constructor(
    file: string,
    wanted: (path: readonly string[], name: string) => boolean,
    take: (element: XmlElement) => void,
  ) {
    this.#file = file;
    const parser = this.#parser;
    const path: string[] = [];
    const open: XmlElement[] = [];
    parser.on('error', (error) => {
      throw this.#fail(`this is no valid XML (${error.message.replace(/^\S*\d+:\d+: /, '')}).`);
    });
    parser.on('opentag', ({ name, attributes }) => {
      if (path.length >= MAX_DEPTH) throw this.#fail('the elements are nested too deeply.');
      if (open.length > 0 || wanted(path, name)) {
        const element: XmlElement = { name, attributes: { ...attributes }, line: parser.line, text: '', children: [] };
        open.at(-1)?.children.push(element);
        open.push(element);
      }
      path.push(name);
    });
    parser.on('text', (text) => {
      const parent = open.at(-1);
      if (parent) parent.text += text;
    });
    parser.on('closetag', () => {
      path.pop();
      const element = open.pop();
      if (element !== undefined && open.length === 0) take(element);
    });
  }

  write(text: string): void {
    this.#parser.write(text);
  }

  close(): void {
    this.#parser.close();
  }

  #fail(what: string): FoveaError {
    const { line } = this.#parser;
    return new FoveaError('bad-input', `${this.#file}: line ${line}: ${what}`, { file: this.#file, line });
  }
}

/** The outermost element. Throws FoveaError `bad-input` with the line where the text is no XML. */
export function parseXml(file: string, source: string): XmlElement {
  let root: XmlElement | null = null;
  const parser = new TreeParser(
    file,
    (path) => path.length === 0,
    (element) => (root = element),
  );
  parser.write(source);
  parser.close();
  if (root === null) throw new FoveaError('bad-input', `${file}: there is no element in the file.`, { file, line: 1 });
  return root;
}

/** Calls `take` with each element that `wanted` picks, as the bytes come; no more than one is in memory. */
export async function readXmlElements(
  file: string,
  chunks: ByteChunks,
  wanted: (path: readonly string[], name: string) => boolean,
  take: (element: XmlElement) => void,
): Promise<void> {
  const parser = new TreeParser(file, wanted, take);
  const decoder = new TextDecoder();
  for await (const chunk of chunks) parser.write(decoder.decode(chunk, { stream: true }));
  parser.write(decoder.decode());
  parser.close();
}

export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

/** The text of a child without the space around it; null where there is no such child, or no text. */
export function textOf(element: XmlElement, name: string): string | null {
  return childOf(element, name)?.text.trim() || null;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text for an element or an attribute. Characters that XML 1.0 cannot hold become U+FFFD. */
export function xmlText(text: string): string {
  return Array.from(text.toWellFormed(), xmlCharacter).join('');
}

function xmlCharacter(character: string): string {
  const code = character.charCodeAt(0);
  // A parser turns tabs and line ends into spaces where they stand in an attribute.
  if (code === 0x09 || code === 0x0a || code === 0x0d) return `&#${code};`;
  return code < 0x20 || code === 0xfffe || code === 0xffff ? '\ufffd' : (ENTITIES[character] ?? character);
}
