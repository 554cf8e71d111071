/**
 * The main process's end of the bridge: answers the preload's calls and sends it the backend's events. Trusts no
 * message: the sender must be the top frame of a window of ours, and `dispatch` checks the rest.
 */
import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';
import { FoveaError, toErrorData, type Envelope } from '../../contract/errors.ts';
import { eventNames, type EventName } from '../../contract/ipc.ts';
import type { Backend } from '../../services/backend.ts';
import { dispatch } from '../dispatch.ts';
import { callChannel, eventChannel } from './channels.ts';

export interface BridgeOptions {
  ipcMain: Pick<IpcMain, 'handle'>;
  backend: Backend;
  /** Those that may call and that get the events: one of each window. */
  pages: () => readonly WebContents[];
  /** "fovea://app" */
  pageOrigin: string;
}

export function connectBridge({ ipcMain, backend, pages, pageOrigin }: BridgeOptions): void {
  ipcMain.handle(callChannel, (event, name: unknown, request: unknown): Promise<Envelope<unknown>> => {
    if (isFromPage(event, pages(), pageOrigin)) return dispatch(backend.handlers, name, request);
    const error = new FoveaError('invalid-request', 'Calls are answered only for windows of the app itself.');
    return Promise.resolve({ ok: false, error: toErrorData(error) });
  });
  for (const name of eventNames) forward(backend, name, pages);
}

function forward<E extends EventName>(backend: Backend, name: E, pages: () => readonly WebContents[]): void {
  backend.subscribe(name, (payload) => {
    for (const page of pages()) page.send(eventChannel, name, payload);
  });
}

function isFromPage(event: IpcMainInvokeEvent, pages: readonly WebContents[], pageOrigin: string): boolean {
  const frame = event.senderFrame; // null once the frame is gone
  return frame !== null && frame.origin === pageOrigin && pages.some(({ mainFrame }) => frame === mainFrame);
}
