// The commands and their flags. What a command does is loaded only when it is called.

import { Command } from 'commander';

import { stopAtOperand } from './arguments.ts';
import { collect, ID, type CommandSet } from './command-set.ts';
import { addCompatFlags, warnOfCompatFlags } from './compat-flags.ts';
import { addControlCommands } from './control-commands.ts';
import { addGlobalFlags, toRuntimeOptions, type GlobalFlags } from './global-flags.ts';
import { Log } from './log.ts';

import type { CreateFlags } from './commands/create.ts';
import type { DoFlags } from './commands/do.ts';
import type { InstallFlags } from './commands/install.ts';
import type { RunFlags } from './commands/run.ts';
import type { RuntimeOptions } from '../container/container.ts';

/** What every command gets besides its own flags and operands. */
export interface Invocation {
  readonly options: RuntimeOptions;
  readonly log: Log;
  /** True when --overlay2 was given, rather than its default. */
  readonly overlayGiven: boolean;
  /** The same for --network. */
  readonly networkGiven: boolean;
}

/** Set by the command that ran. */
export interface Outcome {
  exitCode: number;
}

/** The whole command line. `log` is called once with the log of the flags, before the command runs. */
export function createProgram(log: (log: Log) => void, outcome: Outcome): Command {
  const program = new Command('runsc');
  program
    .description('An OCI runtime that runs programs in a sandbox with a kernel of its own')
    .option('-v, --version', 'print the version')
    .helpCommand('help [command]', 'show the flags of a command')
    .configureHelp({ showGlobalOptions: false })
    .enablePositionalOptions()
    .exitOverride();
  addCompatFlags(addGlobalFlags(program));

  /** Adds a command; `run` returns the exit code. */
  const add = (name: string, description: string): Command =>
    program.command(name).description(description).helpOption('-h, --help', 'show this help');
  const invoke: CommandSet['invoke'] = async (run) => {
    const flags = program.opts<GlobalFlags>();
    const options = toRuntimeOptions(flags);
    const opened = Log.open(options.log, options.logFormat, options.debug);
    log(opened);
    warnOfCompatFlags(program, (message) => opened.warn(message));
    const overlayGiven = program.getOptionValueSource('overlay2') === 'cli';
    const networkGiven = program.getOptionValueSource('network') === 'cli';
    outcome.exitCode = await run({ options, log: opened, overlayGiven, networkGiven });
  };

  /** A command that makes a container from a bundle. */
  const addCreator = (name: string, description: string): Command =>
    add(name, description)
      .argument(ID, 'a name of your choice, unique on the host')
      .option(
        '-b, --bundle <dir>',
        'the bundle, a directory with a config.json (default: the current directory)',
      )
      .option('--console-socket <path>', 'a unix socket that receives the master end of the terminal')
      .option('--pid-file <file>', 'write the process id to this file')
      .option('--preserve-fds <n>', 'pass N more descriptors to the container', '0')
      .option('--no-pivot', 'accepted for compatibility')
      .option('--no-new-keyring', 'accepted for compatibility')
      .option('--pidfd-socket <path>', 'accepted for compatibility');

  addCreator('create', 'create a container, ready to be started').action((id: string, flags: CreateFlags) =>
    invoke(async (invocation) => (await import('./commands/create.ts')).create(invocation, id, flags)),
  );
  add('start', 'run the program of a created container')
    .argument(ID)
    .action((id: string) =>
      invoke(async ({ options }) => (await import('./commands/start.ts')).start(options, id)),
    );
  addCreator('run', 'create and run a container')
    .option('-d, --detach', 'return when the container runs')
    .option('--keep', 'keep the state of the container after it ends')
    .option('--no-subreaper', 'accepted for compatibility')
    .action((id: string, flags: RunFlags) =>
      invoke(async (invocation) => (await import('./commands/run.ts')).run(invocation, id, flags)),
    );
  stopAtOperand(add('do', 'run a command on a copy of the host, which nothing that it writes reaches'))
    .usage('[options] -- COMMAND [ARGS...]')
    .argument('<command...>', 'the command and its arguments')
    .option('--root <dir>', 'the directory that the command sees as its root', '/')
    .option('--cwd <dir>', 'where it starts (default: the current directory)')
    .option(
      '-e, --env <NAME=value>',
      'set a variable besides those of the caller; repeat for more',
      collect,
      [],
    )
    .option(
      '--volume <SRC:DST[:ro]>',
      'a directory that it shares with the host; repeat for more',
      collect,
      [],
    )
    .option('--hostname <name>', 'the name of its host (default: that of the host)')
    .action((command: string[], flags: DoFlags) =>
      invoke(async (invocation) => (await import('./commands/do.ts')).doCommand(invocation, command, flags)),
    );
  add('spec', 'write a new config.json')
    .option('-b, --bundle <dir>', 'the directory that it is written to (default: the current directory)')
    .option('--rootless', 'for a container that is run without privileges')
    .action((flags: { bundle?: string; rootless?: true }) =>
      invoke(async () => (await import('./commands/spec.ts')).spec(flags)),
    );
  add('list', 'list the containers')
    .option('-f, --format <format>', 'table or json', 'table')
    .option('-q, --quiet', 'print only their names')
    .action((flags: { format: string; quiet?: true }) =>
      invoke(async ({ options }) => (await import('./commands/list.ts')).list(options, flags)),
    );
  add('state', 'print the state of a container')
    .argument(ID)
    .action((id: string) =>
      invoke(async ({ options }) => (await import('./commands/state.ts')).state(options, id)),
    );
  add('kill', 'send a signal to the first process of a container')
    .argument(ID)
    .argument('[signal]', 'a number or a name', 'SIGTERM')
    .option('-a, --all', 'send it to every process of the container')
    .action((id: string, signal: string, flags: { all?: true }) =>
      invoke(async ({ options }) => (await import('./commands/kill.ts')).kill(options, id, signal, flags)),
    );
  add('delete', 'delete what is left of a container')
    .argument(ID)
    .option('-f, --force', 'kill it first when it still runs; an unknown one is no error')
    .action((id: string, flags: { force?: true }) =>
      invoke(async (invocation) =>
        (await import('./commands/delete.ts')).deleteCommand(invocation, id, flags),
      ),
    );
  addControlCommands({ add, invoke });
  add('features', 'print what this runtime supports, as JSON').action(() =>
    invoke(async () => (await import('./commands/features.ts')).features()),
  );
  add('platforms', 'list the platforms').action(() =>
    invoke(async () => (await import('./commands/platforms.ts')).platforms()),
  );
  add('syscalls', 'list the system calls and how far each is supported')
    .option('-f, --format <format>', 'text or json', 'text')
    .action((flags: { format: string }) =>
      invoke(async () => (await import('./commands/syscalls.ts')).syscalls(flags)),
    );
  stopAtOperand(add('install', 'register the runtime with Docker, and print what other managers need'))
    .usage('[options] [-- RUNTIME FLAGS...]')
    .argument('[flags...]', 'global flags that Docker is to call the runtime with')
    .option('--runtime <name>', 'the name that users ask for', 'runsc')
    .option('--config_file <file>', "Docker's configuration", '/etc/docker/daemon.json')
    .option('--path <file>', 'the executable (default: this one)')
    .option(
      '--print <manager>',
      'only print what containerd, cri-o, podman or kubernetes needs; change nothing',
    )
    .option('--experimental', "set Docker's experimental flag")
    .option('--clobber <bool>', 'replace an entry of that name', 'true')
    .option('--cgroupdriver <driver>', 'set the cgroup driver of Docker: cgroupfs or systemd')
    .action((runtimeArgs: string[], flags: InstallFlags) =>
      invoke(async () => (await import('./commands/install.ts')).install(flags, runtimeArgs)),
    );
  add('uninstall', 'remove the runtime from the configuration of Docker')
    .option('--runtime <name>', 'its name there', 'runsc')
    .option('--config_file <file>', "Docker's configuration", '/etc/docker/daemon.json')
    .action((flags: { runtime: string; config_file: string }) =>
      invoke(async () => (await import('./commands/install.ts')).uninstall(flags)),
    );
  return program;
}
