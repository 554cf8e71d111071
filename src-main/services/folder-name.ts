/** Which names a folder can have on every system that Fovea runs on, so that a project can be moved between them. */
import { FoveaError } from '../contract/errors.ts';

const RESERVED = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$/i;
const MAX_LENGTH = 100;

/** Throws `bad-input` with the reason. */
export function requireFolderName(name: string): void {
  const reason = whyNot(name);
  if (reason)
    throw new FoveaError(
      'bad-input',
      `“${name}” cannot be the name of a project’s folder: ${reason}. Choose another name.`,
      { name },
    );
}

function whyNot(name: string): string | null {
  if ([...name].some((character) => character < ' ')) return 'it has a control character';
  const forbidden = /[<>:"/\\|?*]/.exec(name)?.[0];
  if (forbidden !== undefined) return `it has the character ${forbidden}`;
  if (name.trim() === '') return 'it is empty';
  if (name.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  if (name.startsWith('.')) return 'it begins with a dot';
  if (/[. ]$/.test(name)) return 'it ends with a dot or a space';
  return RESERVED.test(name) ? 'Windows keeps that name for a device' : null;
}

/** The name itself where a folder can have it, else the nearest one that it can. */
export function nearestFolderName(name: string): string {
  if (whyNot(name) === null) return name;
  const cleaned = [...name]
    .map((character) => (character < ' ' || '<>:"/\\|?*'.includes(character) ? '-' : character))
    .join('')
    .slice(0, MAX_LENGTH)
    .replace(/^[. ]+|[. ]+$/g, '');
  return whyNot(cleaned) === null ? cleaned : `_${cleaned.replace(/^_+/, '')}_`;
}
