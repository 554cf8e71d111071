/** The native menu: only what the system itself does. The app's own actions live in the page and its palette. */
import { Menu, type MenuItemConstructorOptions } from 'electron';
import { productName } from '../app-facts.ts';
import { devToolsWanted } from './lockdown.ts';

export function installMenu(): void {
  const onMac = process.platform === 'darwin';
  const developer: MenuItemConstructorOptions[] = [
    { type: 'separator' },
    { role: 'reload' },
    { role: 'toggleDevTools' },
  ];
  const template: MenuItemConstructorOptions[] = [
    ...(onMac ? [{ role: 'appMenu' } as const] : [{ label: 'File', submenu: [{ role: 'quit' } as const] }]),
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
