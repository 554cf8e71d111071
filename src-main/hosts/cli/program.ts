/** The commands and options of `fovea`, and how their outcome becomes an exit code. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { toErrorData, type ErrorCode } from '../../contract/errors.ts';
import { exportFormats } from '../../contract/model/dataset-export.ts';
import { datasetFormats, imageOrders, splits } from '../../contract/model/dataset.ts';
import { sampleProjectSet, sampleWorlds } from '../../contract/model/sample.ts';
import { checkpointName, device } from '../../contract/model/run.ts';
import type { Backend, HostPorts } from '../../services/backend.ts';
import { version } from '../app-facts.ts';
import { clientOf } from './client.ts';
import * as datasets from './dataset-commands.ts';
import * as engineTools from './engine-tools.ts';
import { intervene } from './intervene.ts';
import * as library from './library-commands.ts';
import { exitCodes, say, type CliIo, type ExitCode } from './io.ts';
import * as projects from './project-commands.ts';
import * as runs from './run-commands.ts';
import type { Session } from './session.ts';
import * as sweeps from './sweep.ts';
import * as training from './train-commands.ts';
import { trainFolder } from './train-folder.ts';
import * as weights from './weights.ts';

/** What commands work with. The backend is opened only for a command that needs it, and always closed. */
export interface CliPorts {
  openBackend: () => Backend;
  launchTask: HostPorts['launchTask'];
  launchTrainer: HostPorts['launchTrainer'];
}

/** `args` without node and script. */
export async function runCli(args: readonly string[], io: CliIo, ports: CliPorts): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const run = async (command: (session: Session) => Promise<ExitCode>) => {
    const backend = ports.openBackend();
    try {
      exitCode = await command({ client: clientOf(backend), io });
    } finally {
      await backend.close();
    }
  };
  try {
    const { launchTask, launchTrainer } = ports;
    const runTool: RunTool = async (tool) => {
      exitCode = await tool({ io, launchTask, launchTrainer });
    };
    await program(io, run, runTool).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { code, message } = toErrorData(error);
    say(io, `fovea: ${message}`);
    return exitCodeOf(code);
  }
}

function exitCodeOf(code: ErrorCode): ExitCode {
  if (code === 'invalid-request') return exitCodes.usage;
  return code === 'cancelled' ? exitCodes.cancelled : exitCodes.failed;
}

type Run = (command: (session: Session) => Promise<ExitCode>) => Promise<void>;

type Tools = engineTools.Tools & Pick<CliPorts, 'launchTrainer'>;
type RunTool = (tool: (tools: Tools) => Promise<ExitCode>) => Promise<void>;

function program(io: CliIo, run: Run, runTool: RunTool): Command {
  const root = new Command('fovea')
    .description('Label, train and compare vision models. Progress goes to stderr, results to stdout.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled.');

  const project = root.command('project').description('create and list projects');
  withJson(project.command('create <name>').description('make a project: a folder of that name'))
    .option('--folder <path>', 'where the folder is made (default: here)')
    .action((name: string, options) => run((session) => projects.createProject(session, name, options)));
  withJson(project.command('list').description('recent projects')).action((options) =>
    run((session) => projects.listProjects(session, options)),
  );

  inProject(root.command('datasets').description('data sets of a project')).action((options) =>
    run((session) => datasets.listDatasets(session, options)),
  );
  inProject(root.command('import <path>').description('bring in a folder or an archive as a data set'))
    .option('--name <name>', 'name of the data set (default: what the source suggests)')
    .addOption(new Option('--format <format>', 'default: what the source looks like').choices(datasetFormats))
    .option('--labels <place>', 'which labels of the folder, where it holds several (the import names them)')
    .option('--copy', 'copy image files into the project (default: reference them where they are)')
    .action((path: string, options) => run((session) => datasets.importDataset(session, path, options)));
  inProject(root.command('export-dataset <dataset>').description("write a data set's labels and images into a folder"))
    .addOption(
      new Option('--format <format>', 'what for; what it cannot hold is said first')
        .choices(exportFormats)
        .makeOptionMandatory(),
    )
    .requiredOption('-o, --output <folder>', 'a folder that does not exist yet, or is empty')
    .addOption(new Option('--split <split>', 'only the images of this split').choices(splits))
    .option('--query <query>', 'only images that the query finds: "class:truck count(person)>3"')
    .option('--labelled-only', 'leave out images that nobody labelled')
    .option(
      '--labels-only',
      'no copies of the images: labels that fit where they are laid over the folder of the images',
    )
    .action((wanted: string, options) => run((session) => datasets.exportDataset(session, wanted, options)));
  inProject(root.command('images <dataset>').description('names of the images that a query finds'))
    .option('--query <query>', 'such as "class:truck count(person)>3 split:val run:A.fp>0" (default: all)')
    .addOption(new Option('--sort <order>', 'how they go').choices(imageOrders).default('added'))
    .option('--run <run>', 'whose score or disagreement they go by')
    .option('--reverse', 'the other way round')
    .action((wanted: string, options) => run((session) => library.listImages(session, wanted, options)));
  inProject(root.command('split <dataset>').description('divide the images of a data set anew'))
    .addOption(new Option('--how <how>', 'which way').choices(library.splitKinds).default('stratified'))
    .option('--train <percent>', 'share for training', percent, 80)
    .option('--val <percent>', 'share for validation; what is left is for testing', percent, 20)
    .option('--seed <number>', 'the same seed gives the same splits', wholeNumber, 1)
    .option('--undo', 'take the latest change back instead')
    .action((wanted: string, options) => run((session) => library.splitDataset(session, wanted, options)));
  inProject(
    root.command('leaks <dataset>').description('images that are the same, or look alike, in several splits'),
  ).action((wanted: string, options) => run((session) => library.findLeaks(session, wanted, options)));
  inProject(
    root.command('health <dataset>').description('what a data set is like, and what is unusual about it'),
  ).action((wanted: string, options) => run((session) => library.showHealth(session, wanted, options)));
  inProject(
    root.command('freeze <dataset>').description('record the state of the images and labels as a version'),
  ).action((wanted: string, options) => run((session) => library.freeze(session, wanted, options)));
  const trash = root.command('trash').description('what was deleted and can be brought back');
  inProject(trash.command('list').description('what is in it')).action((options) =>
    run((session) => library.listTrash(session, options)),
  );
  inProject(trash.command('restore <number>').description('bring back the entry of this number')).action(
    (number: string, options) => run((session) => library.restoreTrash(session, number, options)),
  );
  inProject(trash.command('empty').description('delete everything in it for good')).action((options) =>
    run((session) => library.emptyTrash(session, options)),
  );
  inProject(root.command('download').description('fetch CIFAR-10 from its official address and bring it in'))
    .addArgument(root.createArgument('<source>').choices(['cifar10']))
    .action((source: 'cifar10', options) => run((session) => datasets.downloadDataset(session, source, options)));

  inProject(root.command('sample').description('draw a data set of scenes with boxes and outlines, and bring it in'))
    .addOption(
      new Option('--world <world>', 'what is drawn').choices(Object.keys(sampleWorlds)).default(sampleProjectSet.world),
    )
    .option('--train <images>', 'images to learn from', wholeNumber, sampleProjectSet.trainImages)
    .option('--val <images>', 'images to be measured by', wholeNumber, sampleProjectSet.valImages)
    .option('--seed <number>', 'the same seed draws the same images', wholeNumber, sampleProjectSet.seed)
    .action((options) => run((session) => datasets.drawSample(session, options)));

  inProject(ofRun(root.command('train').description('start a run, or go on with one, and watch it to its end')))
    .addOption(
      new Option('--resume <run>', 'go on with this run from its last checkpoint, as it was configured').conflicts([
        'dataset',
        'model',
        'config',
        'preset',
        'set',
        'name',
        'weights',
        'listSettings',
      ]),
    )
    .option('--list-settings', 'show what can be set, with defaults, and start nothing')
    .option('--whole-batches', 'take batches as they are, also where they do not fit into memory')
    .action((options) => run((session) => training.train(session, options)));
  inProject(ofRun(root.command('tune').description('measure how the layers of such a run are computed fastest here')))
    .option('--forget', 'forget what was measured: new runs compute their layers as on any machine')
    .action((options) => run((session) => training.tune(session, options)));
  root
    .command('train-folder <folder>')
    .description("train the run of a folder to its end, without its project: what a scheduler's job does")
    .action((folder: string) => runTool((tools) => trainFolder(tools, folder)));

  const sweep = root.command('sweep').description('many runs with different settings as one');
  inProject(ofRun(sweep.command('start').description('start a sweep and watch it to its end')))
    .option(
      '--axis <path=values>',
      'a setting and what to try: batchSize=16,32; weights=scratch,ID; for --random also phases.0.learningRate=1e-4..1e-1:log',
      collect,
      [],
    )
    .option('--seeds <list>', 'train every combination with each of these: 1,2,3', wholeNumbers, [])
    .addOption(new Option('--random <number>', 'so many combinations by chance, instead of all').argParser(wholeNumber))
    .option('--search-seed <number>', 'the same seed draws the same combinations', wholeNumber, 1)
    .addOption(
      new Option('--one-at-a-time', 'the first values, and each other value alone, instead of all').conflicts('random'),
    )
    .addOption(
      new Option('--priority <number>', 'in the queue: 1 before others, -1 behind them').argParser(priority).default(0),
    )
    .option('--slurm', 'as a job array of Slurm; the project must lie where its nodes see it')
    .option('--partition <name>', 'for Slurm')
    .option('--time <limit>', 'for Slurm, of each run: 2:00:00')
    .option('--cpus <number>', 'for Slurm, of each run', wholeNumber)
    .option('--memory <size>', 'for Slurm, of each run: 4G')
    .option('--gpus <number>', 'for Slurm, of each run', wholeNumber)
    .option('--at-once <number>', 'for Slurm: no more runs than this at the same time', wholeNumber)
    .option('--sbatch <option>', 'for Slurm: any option of sbatch (--sbatch=--account=vision)', collect, [])
    .option('--detach', 'for Slurm: leave once the job is submitted')
    .option('--dry-run', 'say what it would come to, and start nothing')
    .action((options) => run((session) => sweeps.startSweep(session, options)));
  inProject(sweep.command('list').description('sweeps of a project')).action((options) =>
    run((session) => sweeps.listSweeps(session, options)),
  );
  const ofSweep = (name: string, description: string): Command =>
    inProject(sweep.command(`${name} <sweep>`).description(description));
  ofSweep('show', 'its combinations, the best first, with mean and deviation over seeds').action((wanted, options) =>
    run((session) => sweeps.showSweep(session, wanted, options)),
  );
  ofSweep('follow', 'watch one that Slurm trains').action((wanted, options) =>
    run((session) => sweeps.followSweep(session, wanted, options)),
  );
  ofSweep('resume', 'go on with what is not finished')
    .option('--detach', 'for Slurm: leave once the job is submitted')
    .action((wanted, options) => run((session) => sweeps.resumeSweep(session, wanted, options)));
  ofSweep('cancel', 'stop what trains or waits').action((wanted, options) =>
    run((session) => sweeps.cancelSweep(session, wanted, options)),
  );
  ofSweep('delete', 'delete it with its runs').action((wanted, options) =>
    run((session) => sweeps.deleteSweep(session, wanted, options)),
  );

  const preset = root.command('preset').description('settings of runs, kept under names');
  inProject(preset.command('list').description('presets of a project')).action((options) =>
    run((session) => training.listPresets(session, options)),
  );
  inProject(
    preset.command('save <name> <run>').description("keep a run's settings; replaces a preset of that name"),
  ).action((name: string, wanted: string, options) =>
    run((session) => training.savePreset(session, name, wanted, options)),
  );
  inProject(
    root.command('config <run>').description("print a run's settings as JSON, as `train --config` takes them"),
  ).action((wanted: string, options) => run((session) => training.printConfig(session, wanted, options)));

  inProject(root.command('runs').description('runs of a project')).action((options) =>
    run((session) => runs.listRuns(session, options)),
  );
  inProject(
    root
      .command('open-run <folder>')
      .description('bring in a run of another tool (args.yaml, results.csv), to be compared'),
  )
    .requiredOption('-d, --dataset <data set>', 'name or number of the data set that it was trained on')
    .action((folder: string, options) => run((session) => runs.openForeign(session, folder, options)));
  withJson(root.command('change <run>').description('change a run that trains elsewhere; <run> is its folder'))
    .option('--rate <factor>', 'times this goes every learning rate from now on', positive)
    .option('--epochs <number>', 'so many epochs more (or fewer)', signedNumber)
    .option('--finish', 'stop now, as finished, and keep the best epoch')
    .action((wanted: string, options) => runTool(({ io }) => intervene(io, wanted, options)));
  inProject(root.command('evaluate <run>').description('metrics and confusion matrix of a run')).action(
    (wanted: string, options) => run((session) => runs.evaluate(session, wanted, options)),
  );
  inProject(
    root.command('export <run>').description("write a run's network to a file, and compare it with the app's own"),
  )
    .addOption(new Option('--checkpoint <which>', 'which weights').choices(checkpointName.options).default('best'))
    .requiredOption('-o, --output <file>', 'file to write: .onnx for a model, .safetensors for weights alone')
    .option(
      '--decisions',
      '.onnx: boxes after suppression with their masks or points, or categories, instead of raw results',
    )
    .option('--batch <images>', '.onnx: images at a time', wholeNumber, 1)
    .option('--half', '.safetensors: half precision, half the size')
    .option('--force', 'overwrite the file')
    .action((wanted: string, options) => run((session) => runs.exportNetwork(session, wanted, options)));
  inProject(
    root
      .command('artifacts <run>')
      .description('write a run as other tools do: args.yaml, results.csv, weights/best and last'),
  )
    .option('-o, --output <folder>', 'where detect/NAME (or classify, segment) is made; counted up', 'runs')
    .action((wanted: string, options) => run((session) => runs.artifacts(session, wanted, options)));
  inProject(root.command('predict <run> <paths...>').description("have a run's network look at image files or folders"))
    .addOption(new Option('--checkpoint <which>', 'which weights').choices(checkpointName.options).default('best'))
    .option('--confidence <number>', 'boxes with lower scores are left out', share, 0.25)
    .option('--tiles <overlap>', 'look at images in tiles at their own size, of which neighbours share so much', share)
    .requiredOption('-o, --output <file>', 'file to write what it says into (.json)')
    .option('--force', 'overwrite the file')
    .action((wanted: string, paths: string[], options) =>
      run((session) => runs.predict(session, wanted, paths, options)),
    );
  inProject(root.command('compare <runs...>').description('runs beside each other, the first as baseline'))
    .option('--report <file>', 'write a report with the curves too (.html or .md)')
    .option('--force', 'overwrite the report')
    .action((wanted: string[], options) => run((session) => runs.compare(session, wanted, options)));

  const weightsCommand = root.command('weights').description('weights to start from');
  withJson(weightsCommand.command('list').description('published weights, with their licences')).action((options) =>
    run((session) => weights.listWeights(session, options)),
  );
  inProject(weightsCommand.command('download <id>').description('fetch published weights from their address')).action(
    (id: string, options) => run((session) => weights.downloadWeights(session, id, options)),
  );
  withJson(
    weightsCommand
      .command('inspect <file>')
      .description('what a file of weights holds (.safetensors, .onnx, .pt, .pth); executes nothing of it'),
  ).action((file: string, options) => run((session) => weights.inspectWeights(session, file, options)));

  withJson(root.command('devices').description('what can be trained on here, and what stands in the way')).action(
    (options) => run((session) => projects.listDevices(session, options)),
  );
  ofStep(
    root.command('dump-graph <network>').description("write a network's training step as an ONNX file and as text"),
  )
    .addOption(
      new Option('--stage <stage>', 'as built, or lowered to what the runtime knows')
        .choices(['built', 'lowered'])
        .default('lowered'),
    )
    .requiredOption('-o, --output <file>', 'file to write (.onnx); the text goes beside it (.txt)')
    .action((network: string, options) => runTool((tools) => engineTools.dumpGraph(tools, network, options)));
  withJson(ofStep(root.command('profile <network>').description("where the time of a network's training step goes")))
    .addOption(new Option('--device <device>', 'where it runs').choices(device.options).default('cpu'))
    .option('--steps <number>', 'steps to measure', wholeNumber, 5)
    .action((network: string, options) => runTool((tools) => engineTools.profile(tools, network, options)));
  return root;
}

/** What a run is to be. */
function ofRun(command: Command): Command {
  return command
    .option('-d, --dataset <data set>', 'name or number (default: the only one)')
    .option('-m, --model <id>', 'which network (default: that of the file or preset, or one that suits the labels)')
    .addOption(
      new Option(
        '--config <file>',
        'JSON file with settings of the run; what it leaves out keeps its default',
      ).conflicts('preset'),
    )
    .option('--preset <name>', 'settings that are kept in the project under this name')
    .option('--set <path=value>', 'one setting; can be given several times', collect, [])
    .option('--name <name>', 'its name')
    .option(
      '--weights <what>',
      'start from these: a file, an id of `weights list`, run:NUMBER[:last], or scratch (default: scratch)',
    );
}

const collect = (item: string, list: string[]): string[] => [...list, item];

function ofStep(command: Command): Command {
  return command
    .option('--batch <images>', 'images of the step (default: what suits the network)', wholeNumber)
    .option('--size <pixels>', 'edge length of the images', wholeNumber);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number from 1 on.');
  return value;
}

function wholeNumbers(text: string): number[] {
  const values = text.split(',').map(Number);
  if (values.some((value) => !Number.isInteger(value) || value < 0))
    throw new InvalidArgumentError('Whole numbers: 1,2,3.');
  return values;
}

function priority(text: string): number {
  const value = Number(text);
  if (![-1, 0, 1].includes(value)) throw new InvalidArgumentError('-1, 0 or 1.');
  return value;
}

function signedNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value === 0) throw new InvalidArgumentError('A whole number that is not 0.');
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('A number above 0.');
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError('A number from 0 to 1.');
  return value;
}

function percent(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 100)) throw new InvalidArgumentError('A share from 0 to 100.');
  return value;
}

function withJson(command: Command): Command {
  return command.option('--json', 'print JSON instead of text');
}

function inProject(command: Command): Command {
  const help = 'folder or name of a recent project (default: the one you are in)';
  return withJson(command).option('-p, --project <project>', help);
}
