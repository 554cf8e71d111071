/**
 * The main process's end of the bridge: answers the preload's calls and sends it the backend's events. Trusts no
 * message: the sender must be our own page's top frame, and `dispatch` checks the rest.
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
  /** The page that may call and that gets the events; null while there is none. */
  page: () => WebContents | null;
  /** "fovea://app" */
  pageOrigin: string;
}

export function connectBridge({ ipcMain, backend, page, pageOrigin }: BridgeOptions): void {
  ipcMain.handle(callChannel, (event, name: unknown, request: unknown): Promise<Envelope<unknown>> => {
    if (isFromPage(event, page(), pageOrigin)) return dispatch(backend.handlers, name, request);
    const error = new FoveaError('invalid-request', 'Calls are answered only for the window of the app itself.');
    return Promise.resolve({ ok: false, error: toErrorData(error) });
  });
  for (const name of eventNames) forward(backend, name, page);
}

function forward<E extends EventName>(backend: Backend, name: E, page: () => WebContents | null): void {
  backend.subscribe(name, (payload) => page()?.send(eventChannel, name, payload));
}

function isFromPage(event: IpcMainInvokeEvent, page: WebContents | null, pageOrigin: string): boolean {
  const frame = event.senderFrame; // null once the frame is gone
  return page !== null && frame !== null && frame === page.mainFrame && frame.origin === pageOrigin;
}
