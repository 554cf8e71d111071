/** What a check says, in the words of the person who reads it. */
import type { Calls } from '../../contract/ipc.ts';

export type Finding = Calls['run.check']['response'][number];

export const error = (message: string, path?: string): Finding => ({ severity: 'error', message, path });
export const warning = (message: string, path?: string): Finding => ({ severity: 'warning', message, path });
export const note = (message: string, path?: string): Finding => ({ severity: 'note', message, path });

export const count = (number: number, noun: string): string =>
  `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;

const weight: readonly Finding['severity'][] = ['error', 'warning', 'note'];

/** Errors, then warnings, then notes; those of one kind as they were. */
export const heaviestFirst = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((a, b) => weight.indexOf(a.severity) - weight.indexOf(b.severity));
