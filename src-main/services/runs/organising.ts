/** What a person does with runs to keep them in order: names, tags, notes, pins, the archive, deletion that can be undone. */
import type { Emit, Handlers } from '../../contract/ipc.ts';
import type { RunId } from '../../contract/model/ids.ts';
import type { RunSummary } from '../../contract/model/run.ts';
import type { RunChanges } from '../../store/run-repository.ts';
import type { OpenProject, OpenProjects } from '../open-projects.ts';
import { refuseInProgress } from './refusals.ts';
import type { RunSupervisor } from './run-supervisor.ts';

type OrganisingCalls =
  'run.rename' | 'run.organise' | 'run.delete' | 'run.restore' | 'preset.list' | 'preset.save' | 'preset.delete';

export function createOrganisingHandlers(
  projects: OpenProjects,
  supervisor: RunSupervisor,
  emit: Emit,
): Pick<Handlers, OrganisingCalls> {
  const change = (opened: OpenProject, runId: RunId, changes: RunChanges): RunSummary => {
    opened.store.runs.update(runId, changes);
    const summary = opened.store.runs.get(runId);
    emit('run.changed', { projectId: opened.project.projectId, summary });
    return summary;
  };
  return {
    'run.rename': async ({ projectId, runId, name }) => change(projects.get(projectId), runId, { name }),
    'run.organise': async ({ projectId, runId, changes }) => {
      const tags = changes.tags && [...new Set(changes.tags)];
      return change(projects.get(projectId), runId, { ...changes, tags });
    },
    'run.delete': async ({ projectId, runId }) => {
      const opened = projects.get(projectId);
      refuseInProgress(opened, runId, 'Cancel it first.');
      await supervisor.settled(opened, runId);
      refuseInProgress(opened, runId, 'Cancel it first.');
      opened.store.runs.update(runId, { trashedAt: new Date().toISOString() });
      emit('run.removed', { projectId, runId });
      return {};
    },
    'run.restore': async ({ projectId, runId }) => change(projects.get(projectId), runId, { trashedAt: null }),
    'preset.list': async ({ projectId }) => projects.get(projectId).store.presets.list(),
    'preset.save': async ({ projectId, name, config }) =>
      projects.get(projectId).store.presets.save(name, config, new Date().toISOString()),
    'preset.delete': async ({ projectId, presetId }) => {
      projects.get(projectId).store.presets.delete(presetId);
      return {};
    },
  };
}
