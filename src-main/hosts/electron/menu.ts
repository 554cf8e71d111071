/** The native menu: only what windows and the system do. The app's own actions live in the page and its palette. */
import { Menu, type MenuItemConstructorOptions } from 'electron';
import { productName } from '../app-facts.ts';
import { devToolsWanted } from './lockdown.ts';

export function installMenu({ newWindow }: { newWindow: () => void }): void {
  const onMac = process.platform === 'darwin';
  const developer: MenuItemConstructorOptions[] = [
    { type: 'separator' },
    { role: 'reload' },
    { role: 'toggleDevTools' },
  ];
  const template: MenuItemConstructorOptions[] = [
    ...(onMac ? [{ role: 'appMenu' } as const] : []),
    {
      label: 'File',
      submenu: [
        { label: 'New window', accelerator: 'CommandOrControl+Shift+N', click: newWindow },
        ...(onMac ? [{ role: 'close' } as const] : [{ type: 'separator' } as const, { role: 'quit' } as const]),
      ],
    },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'resetZoom' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        ...(devToolsWanted ? developer : []),
      ],
    },
    { role: 'windowMenu' },
    { role: 'help', submenu: [{ role: 'about', label: `About ${productName}` }] },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
