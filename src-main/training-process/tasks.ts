/** The tasks that the app has done in a child process. The engine is loaded only by the task that needs it. */
import type { EngineTask, EngineTaskName, EngineTasks } from './messages.ts';

export type ReportProgress = (step: string, done: number, total: number) => void;

export async function doTask(task: EngineTask, report: ReportProgress): Promise<EngineTasks[EngineTaskName]['answer']> {
  switch (task.name) {
    case 'probe-device': {
      const { OnnxRuntime } = await import('../engine/runtime/onnxruntime.ts');
      const { probeDevice } = await import('../engine/runtime/probe.ts');
      return probeDevice(new OnnxRuntime(), task.request.device);
    }
    case 'check-device': {
      const { OnnxRuntime } = await import('../engine/runtime/onnxruntime.ts');
      const { checkDevice } = await import('../engine/train/device-check.ts');
      return checkDevice(new OnnxRuntime(), task.request.device, report);
    }
    case 'dump-graph': {
      const { dumpStep } = await import('../engine/train/engine-tools.ts');
      return dumpStep(task.request);
    }
    case 'profile-step': {
      const { OnnxRuntime } = await import('../engine/runtime/onnxruntime.ts');
      const { profileStep } = await import('../engine/train/engine-tools.ts');
      return profileStep(new OnnxRuntime(), task.request);
    }
    case 'predict': {
      const { OnnxRuntime } = await import('../engine/runtime/onnxruntime.ts');
      const { predict } = await import('../engine/train/predict.ts');
      return predict(new OnnxRuntime(), task.request, (done, total) => report('Predicting', done, total));
    }
    case 'export-model': {
      const { OnnxRuntime } = await import('../engine/runtime/onnxruntime.ts');
      const { exportModel } = await import('../engine/train/export-model.ts');
      return exportModel(new OnnxRuntime(), task.request);
    }
    case 'time-steps': {
      const { OnnxRuntime } = await import('../engine/runtime/onnxruntime.ts');
      const { timeSteps } = await import('../engine/train/time-steps.ts');
      return timeSteps(new OnnxRuntime(), task.request);
    }
    case 'tune-run': {
      const { OnnxRuntime } = await import('../engine/runtime/onnxruntime.ts');
      const { tuneRun } = await import('../engine/train/time-steps.ts');
      return tuneRun(new OnnxRuntime(), task.request, report);
    }
    case 'estimate-memory': {
      const { estimateMemory } = await import('../engine/train/memory-estimate.ts');
      return estimateMemory(task.request);
    }
    case 'look-inside': {
      const { OnnxRuntime } = await import('../engine/runtime/onnxruntime.ts');
      const { lookInside } = await import('../engine/train/look-inside.ts');
      return lookInside(new OnnxRuntime(), task.request);
    }
    case 'measure-detections': {
      const { measureDetections } = await import('../engine/train/measure-detections.ts');
      return measureDetections(task.request);
    }
  }
}
