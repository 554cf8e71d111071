/** A thread that only measures how late its own timer is, and tells it when asked; then it ends. */
import { parentPort } from 'node:worker_threads';
import { measureTickLateness } from './tick-lateness.ts';

const lateness = measureTickLateness();
parentPort?.once('message', () => parentPort?.postMessage(lateness.stop()));
parentPort?.postMessage('measuring');
