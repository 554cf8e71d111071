/** Chooses the bridge: Electron's preload where it is there, one WebSocket otherwise. */
import type { PreloadSurface } from '../../src-main/contract/bridge.ts';
import type { Bridge } from './bridge.ts';
import { openSocketBridge } from './socket-bridge.ts';

declare global {
  interface Window {
    readonly fovea?: PreloadSurface;
  }
}

export function openBridge(): Bridge {
  return window.fovea === undefined ? openSocketBridge(document.baseURI) : preloadBridge(window.fovea);
}

function preloadBridge(surface: PreloadSurface): Bridge {
  return {
    invoke: (name, request) => surface.calls[name](request),
    on: (event, listener) => surface.on[event](listener),
    watchConnection(listener) {
      listener('connected');
      return () => {};
    },
    pathOfFile: (file) => surface.pathOfFile(file) || null,
  };
}
