/** The system's dialogs for choosing a folder or a file. */
import { dialog, type BrowserWindow, type OpenDialogOptions } from 'electron';
import type { HostPorts } from '../../services/backend.ts';

type ChoosePath = NonNullable<HostPorts['choosePath']>;
type Properties = NonNullable<OpenDialogOptions['properties']>;

export function pathChooser(window: () => BrowserWindow | null): ChoosePath {
  return async ({ title, kind }) => {
    const parent = window();
    if (parent === null) return null;
    const properties = kind === 'file-or-folder' ? await fileOrFolder(parent, title) : propertiesOf[kind];
    if (properties === null) return null;
    const { canceled, filePaths } = await dialog.showOpenDialog(parent, { title, properties });
    return canceled ? null : (filePaths[0] ?? null);
  };
}

const propertiesOf = {
  folder: ['openDirectory', 'createDirectory'],
  file: ['openFile'],
} satisfies Record<string, Properties>;

/** Only macOS has a dialog for both; elsewhere the person says first which of the two it is. Null where they cancel. */
async function fileOrFolder(parent: BrowserWindow, title: string): Promise<Properties | null> {
  if (process.platform === 'darwin') return ['openFile', 'openDirectory'];
  const choices: (Properties | null)[] = [propertiesOf.folder, propertiesOf.file, null];
  const { response } = await dialog.showMessageBox(parent, {
    type: 'question',
    title,
    message: title,
    detail: 'Is it a folder or a single file (an archive)?',
    buttons: ['Folder', 'File', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
  });
  return choices[response] ?? null;
}
