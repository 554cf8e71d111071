/** The sandboxed preload: hands the page `window.fovea` and nothing else. Bundled into one CommonJS file. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { buildPreloadSurface } from './preload-surface.ts';

const surface = buildPreloadSurface({
  invoke: (channel, ...args) => ipcRenderer.invoke(channel, ...args),
  on: (channel, listener) => ipcRenderer.on(channel, listener),
  pathOfFile: (file) => webUtils.getPathForFile(file as File),
});
contextBridge.exposeInMainWorld('fovea', surface);
