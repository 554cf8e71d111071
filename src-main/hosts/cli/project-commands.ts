/** Projects and devices from the command line. */
import { resolve } from 'node:path';
import * as reports from './reports.ts';
import { print, type OutputOptions, type Session } from './session.ts';

export async function createProject(session: Session, name: string, options: OutputOptions & { folder?: string }) {
  const { client, io } = session;
  const parentFolder = resolve(io.cwd, options.folder ?? '.');
  const project = await client.call('project.create', { name, parentFolder });
  return print(session, options, project, reports.projectText);
}

export async function listProjects(session: Session, options: OutputOptions) {
  return print(session, options, await session.client.call('project.recent', {}), reports.projectsText);
}

export async function listDevices(session: Session, options: OutputOptions) {
  return print(session, options, await session.client.call('device.list', { probe: true }), reports.devicesText);
}
