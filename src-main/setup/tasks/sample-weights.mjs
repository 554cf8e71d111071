/**
 * `npm run sample:weights [-- -o FILE]`: draws the countryside set, trains YOLOv8n on it from random weights, and writes the
 * checkpoint that comes along with the app, through the same commands that a person has (about five minutes on two quiet
 * cores). The set is drawn anew from its seed by `fovea sample --world countryside`. What belongs into the catalogue
 * (services/weights/catalogue.ts) is printed at the end. `--set` and the like go to `fovea train`, to try it with less.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '../child.mjs';
import { root } from '../paths.mjs';

const images = { train: 600, val: 48, seed: 1 };
const settings = {
  'data.inputSize.widthPx': 160,
  'data.inputSize.heightPx': 128,
  batchSize: 16,
  accumulation: 1,
  'ema.decay': 0.9999,
  'ema.warmupSteps': 200,
  'phases.0.epochs': 24,
  'phases.0.optimiser.kind': 'adamw',
  'phases.0.optimiser.beta1': 0.9,
  'phases.0.optimiser.beta2': 0.999,
  'phases.0.optimiser.epsilon': 1e-8,
  'phases.0.optimiser.weightDecay': 0.0005,
  'phases.0.learningRate': 0.00125,
  'phases.0.schedule.kind': 'linear',
  'phases.0.schedule.finalFactor': 0.01,
  'phases.0.warmup.epochs': 1,
  'phases.0.warmup.startFactor': 0.1,
  'augmentation.flipHorizontal': 0.5,
  'augmentation.mosaic': 0,
  'augmentation.translate': 0,
  'augmentation.scale': 0,
  'augmentation.hue': 0,
  'augmentation.saturation': 0,
  'augmentation.value': 0,
  seed: 4,
};

/** @param {readonly string[]} args */
export async function main(args) {
  const [target, trainArguments] = takeOutput(args);
  const scratch = await mkdtemp(join(tmpdir(), 'fovea-sample-weights-'));
  try {
    const project = join(scratch, 'countryside');
    const set = Object.entries(settings).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
    const { train, val, seed } = images;
    const commands = [
      ['project', 'create', 'countryside', '--folder', scratch],
      [
        'sample',
        '--world',
        'countryside',
        '--train',
        `${train}`,
        '--val',
        `${val}`,
        '--seed',
        `${seed}`,
        '-p',
        project,
      ],
      ['train', '--model', 'yolov8', '--name', 'countryside', ...set, ...trainArguments, '-p', project],
      ['export', 'countryside', '--half', '--force', '-o', target, '-p', project],
    ];
    for (const command of commands) {
      const code = await fovea(command, scratch);
      if (code !== 0) return code;
    }
    const bytes = await readFile(target);
    console.log(`sizeBytes: ${bytes.length}, sha256: ${createHash('sha256').update(bytes).digest('hex')}`);
    return 0;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Recent projects and settings stay the person's own.
 * @param {readonly string[]} command
 * @param {string} userData
 */
function fovea(command, userData) {
  const entry = join(root, 'src-main', 'hosts', 'cli', 'main.ts');
  return run(process.execPath, [entry, ...command], {
    env: { ...process.env, FOVEA_USER_DATA: join(userData, 'user') },
  });
}

/**
 * @param {readonly string[]} args
 * @returns {[target: string, others: string[]]}
 */
function takeOutput(args) {
  const at = args.indexOf('-o');
  const file = at < 0 ? undefined : args[at + 1];
  if (file === undefined) return [join(root, 'resources', 'weights', 'yolov8n-countryside.safetensors'), [...args]];
  return [resolve(file), [...args.slice(0, at), ...args.slice(at + 2)]];
}
