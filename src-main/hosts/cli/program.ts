/** The commands and options of `fovea`, and how their outcome becomes an exit code. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { toErrorData, type ErrorCode } from '../../contract/errors.ts';
import { exportFormats } from '../../contract/model/dataset-export.ts';
import { datasetFormats } from '../../contract/model/dataset.ts';
import { checkpointName, device } from '../../contract/model/run.ts';
import type { Backend, HostPorts } from '../../services/backend.ts';
import { version } from '../app-facts.ts';
import { clientOf } from './client.ts';
import * as commands from './commands.ts';
import * as engineTools from './engine-tools.ts';
import { exitCodes, say, type CliIo, type ExitCode } from './io.ts';

/** What commands work with. The backend is opened only for a command that needs it, and always closed. */
export interface CliPorts {
  openBackend: () => Backend;
  launchTask: HostPorts['launchTask'];
}

/** `args` without node and script. */
export async function runCli(args: readonly string[], io: CliIo, ports: CliPorts): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const run = async (command: (session: commands.Session) => Promise<ExitCode>) => {
    const backend = ports.openBackend();
    try {
      exitCode = await command({ client: clientOf(backend), io });
    } finally {
      await backend.close();
    }
  };
  try {
    const runTool = async (tool: (tools: engineTools.Tools) => Promise<ExitCode>) => {
      exitCode = await tool({ io, launchTask: ports.launchTask });
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

type Run = (command: (session: commands.Session) => Promise<ExitCode>) => Promise<void>;

type RunTool = (tool: (tools: engineTools.Tools) => Promise<ExitCode>) => Promise<void>;

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
    .action((name: string, options) => run((session) => commands.createProject(session, name, options)));
  withJson(project.command('list').description('recent projects')).action((options) =>
    run((session) => commands.listProjects(session, options)),
  );

  inProject(root.command('datasets').description('data sets of a project')).action((options) =>
    run((session) => commands.listDatasets(session, options)),
  );
  inProject(root.command('import <path>').description('bring in a folder or an archive as a data set'))
    .option('--name <name>', 'name of the data set (default: what the source suggests)')
    .addOption(new Option('--format <format>', 'default: what the source looks like').choices(datasetFormats))
    .option('--copy', 'copy image files into the project (default: reference them where they are)')
    .action((path: string, options) => run((session) => commands.importDataset(session, path, options)));
  inProject(root.command('export-dataset <dataset>').description("write a data set's images and labels into a folder"))
    .addOption(
      new Option('--format <format>', 'what for; what it cannot hold is said first')
        .choices(exportFormats)
        .makeOptionMandatory(),
    )
    .requiredOption('-o, --output <folder>', 'a folder that does not exist yet, or is empty')
    .action((wanted: string, options) => run((session) => commands.exportDataset(session, wanted, options)));
  inProject(root.command('download').description('fetch CIFAR-10 from its official address and bring it in'))
    .addArgument(root.createArgument('<source>').choices(['cifar10']))
    .action((source: 'cifar10', options) => run((session) => commands.downloadDataset(session, source, options)));

  inProject(root.command('train').description('start a run, or go on with one, and watch it to its end'))
    .option('-d, --dataset <data set>', 'name or number (default: the only one)')
    .option('-m, --model <id>', 'which network (default: that of the file or preset, or lenet5)')
    .addOption(
      new Option(
        '--config <file>',
        'JSON file with settings of the run; what it leaves out keeps its default',
      ).conflicts('preset'),
    )
    .option('--preset <name>', 'settings that are kept in the project under this name')
    .option(
      '--set <path=value>',
      'one setting; can be given several times',
      (item, list: string[]) => [...list, item],
      [],
    )
    .option('--name <name>', 'name of the run')
    .addOption(
      new Option('--resume <run>', 'go on with this run from its last checkpoint, as it was configured').conflicts([
        'dataset',
        'model',
        'config',
        'preset',
        'set',
        'name',
        'listSettings',
      ]),
    )
    .option('--list-settings', 'show what can be set, with defaults, and start nothing')
    .action((options) => run((session) => commands.train(session, options)));

  const preset = root.command('preset').description('settings of runs, kept under names');
  inProject(preset.command('list').description('presets of a project')).action((options) =>
    run((session) => commands.listPresets(session, options)),
  );
  inProject(
    preset.command('save <name> <run>').description("keep a run's settings; replaces a preset of that name"),
  ).action((name: string, wanted: string, options) =>
    run((session) => commands.savePreset(session, name, wanted, options)),
  );
  inProject(
    root.command('config <run>').description("print a run's settings as JSON, as `train --config` takes them"),
  ).action((wanted: string, options) => run((session) => commands.printConfig(session, wanted, options)));

  inProject(root.command('runs').description('runs of a project')).action((options) =>
    run((session) => commands.listRuns(session, options)),
  );
  inProject(root.command('evaluate <run>').description('metrics and confusion matrix of a run')).action(
    (wanted: string, options) => run((session) => commands.evaluate(session, wanted, options)),
  );
  inProject(root.command('export <run>').description("copy a run's weights to a file"))
    .addOption(new Option('--checkpoint <which>', 'which weights').choices(checkpointName.options).default('best'))
    .requiredOption('-o, --output <file>', 'file to write (.safetensors)')
    .option('--force', 'overwrite the file')
    .action((wanted: string, options) => run((session) => commands.exportCheckpoint(session, wanted, options)));
  inProject(root.command('compare <runs...>').description('runs beside each other, the first as baseline'))
    .option('--report <file>', 'write a report with the curves too (.html or .md)')
    .option('--force', 'overwrite the report')
    .action((wanted: string[], options) => run((session) => commands.compare(session, wanted, options)));

  withJson(root.command('devices').description('what can be trained on here, and what stands in the way')).action(
    (options) => run((session) => commands.listDevices(session, options)),
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

function withJson(command: Command): Command {
  return command.option('--json', 'print JSON instead of text');
}

function inProject(command: Command): Command {
  const help = 'folder or name of a recent project (default: the one you are in)';
  return withJson(command).option('-p, --project <project>', help);
}
