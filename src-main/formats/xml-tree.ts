/**
 * A small XML file as a tree. The parser knows the five built-in entities and declares no others whatever a DOCTYPE
 * says, so that no file can make it read another or grow without bound.
 */
import { SaxesParser } from 'saxes';
import { FoveaError } from '../contract/errors.ts';

export interface XmlElement {
  name: string;
  /** 1-based. */
  line: number;
  text: string;
  children: XmlElement[];
}

const MAX_DEPTH = 32;

/** The outermost element. Throws FoveaError `bad-input` with the line where the text is no XML. */
export function parseXml(file: string, source: string): XmlElement {
  const parser = new SaxesParser();
  const open: XmlElement[] = [];
  let root: XmlElement | null = null;
  const fail = (what: string): FoveaError =>
    new FoveaError('bad-input', `${file}: line ${parser.line}: ${what}`, { file, line: parser.line });
  parser.on('error', (error) => {
    throw fail(`this is no valid XML (${error.message.replace(/^\S*\d+:\d+: /, '')}).`);
  });
  parser.on('opentag', ({ name }) => {
    if (open.length >= MAX_DEPTH) throw fail('the elements are nested too deeply.');
    const element: XmlElement = { name, line: parser.line, text: '', children: [] };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('text', (text) => {
    const parent = open.at(-1);
    if (parent) parent.text += text;
  });
  parser.on('closetag', () => void open.pop());
  parser.write(source).close();
  if (root === null) throw fail('there is no element in the file.');
  return root;
}

export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

/** The text of a child without the space around it; null where there is no such child, or no text. */
export function textOf(element: XmlElement, name: string): string | null {
  return childOf(element, name)?.text.trim() || null;
}
