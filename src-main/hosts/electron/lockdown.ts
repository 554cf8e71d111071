/**
 * The walls around the page: no network, no permissions, no navigation, no further windows, no guest pages. Each wall
 * stands by itself, so that the failure of one (a hole in the content security policy) is caught by the next.
 */
import { app, type Session, type WebContents } from 'electron';
import { appScheme } from './app-protocol.ts';

/** Set by developers only: opens the browser's tools and lets their own pages load. */
export const devToolsWanted = process.env['FOVEA_DEVTOOLS'] === '1';

const loadableSchemes = new Set([`${appScheme}:`, 'blob:', 'data:', ...(devToolsWanted ? ['devtools:'] : [])]);

/** Must be called before Electron is ready. Downloads that the person asks for go through Node and are not affected. */
export function cutOffBrowserNetwork(): void {
  app.commandLine.appendSwitch('host-resolver-rules', 'MAP * ~NOTFOUND');
}

export function lockSession(session: Session): void {
  session.webRequest.onBeforeRequest(({ url }, callback) => {
    callback({ cancel: !loadableSchemes.has(new URL(url).protocol) });
  });
  session.setPermissionRequestHandler((_contents, _permission, callback) => callback(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
}

export function lockContents(contents: WebContents): void {
  // Links inside the page change only the hash, which is no navigation.
  contents.on('will-navigate', (event) => event.preventDefault());
  contents.on('will-frame-navigate', (event) => event.preventDefault());
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  // WebRTC reaches the network without a URL request, so no handler above would see it.
  contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp');
}
