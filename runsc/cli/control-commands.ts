// The commands that watch and steer a running container.

import { stopAtOperand } from './arguments.ts';
import { collect, ID, type CommandSet } from './command-set.ts';

import type { ExecFlags } from './commands/exec.ts';
import type { EventsFlags } from './commands/events.ts';
import type { UpdateFlags } from './commands/update.ts';
import type { WaitFlags } from './commands/wait.ts';

export function addControlCommands({ add, invoke }: CommandSet): void {
  addExec({ add, invoke });
  stopAtOperand(add('ps', 'list the host processes that stand for a container'))
    .argument(ID)
    .argument('[ps-options...]', 'for ps(1), which makes the table')
    .option('-f, --format <format>', 'table or json', 'table')
    .action((id: string, psOptions: string[], flags: { format: string }) =>
      invoke(async ({ options }) => (await import('./commands/ps.ts')).ps(options, id, psOptions, flags)),
    );
  add('pause', 'stop all processes of a container')
    .argument(ID)
    .action((id: string) =>
      invoke(async ({ options }) => (await import('./commands/pause.ts')).pause(options, id)),
    );
  add('resume', 'let the processes of a paused container go on')
    .argument(ID)
    .action((id: string) =>
      invoke(async ({ options }) => (await import('./commands/pause.ts')).resume(options, id)),
    );
  add('events', 'print statistics and out-of-memory events of a container as JSON lines')
    .argument(ID)
    .option('--interval <duration>', 'how often statistics are printed', '5s')
    .option('--stats', 'print the statistics once')
    .action((id: string, flags: EventsFlags) =>
      invoke(async ({ options }) => (await import('./commands/events.ts')).events(options, id, flags)),
    );
  add('wait', 'wait for the end of a container and print its exit status as JSON')
    .argument(ID)
    .option('--pid <pid>', 'wait for another process of the container, by the number that it has inside')
    .option('--rootpid <pid>', 'the same')
    .action((id: string, flags: WaitFlags) =>
      invoke(async ({ options }) => (await import('./commands/wait.ts')).wait(options, id, flags)),
    );
  addUpdate({ add, invoke });
  addCheckpoints({ add, invoke });
}

function addExec({ add, invoke }: CommandSet): void {
  stopAtOperand(add('exec', 'run another process in a container'))
    .argument(ID)
    .argument('[command...]', 'the command and its arguments; none with --process')
    .option(
      '-p, --process <file>',
      'a JSON file with what config.json calls process; other flags are ignored',
    )
    .option('-d, --detach', 'return when the process runs')
    .option('--pid-file <file>', 'write the process id to this file')
    .option('-t, --tty', 'give it a terminal')
    .option('--console-socket <path>', 'a unix socket that receives the master end of the terminal')
    .option('--cwd <dir>', 'where it starts')
    .option('-e, --env <NAME=value>', 'set a variable; repeat for more', collect, [])
    .option('-u, --user <UID[:GID]>', 'who it runs as')
    .option('-g, --additional-gids <gid>', 'another group of its user; repeat for more', collect, [])
    .option('-c, --cap <name>', 'another capability; repeat for more', collect, [])
    .option('--no-new-privs', 'no program that it runs may gain privileges')
    .option('--preserve-fds <n>', 'pass N more descriptors to it', '0')
    .option('--cgroup <path>', 'a cgroup below the container’s; repeat for several controllers', collect, [])
    .option('--ignore-paused', 'in a paused container too: it waits for resume')
    .option('--process-label <label>', 'accepted for compatibility')
    .option('--apparmor <profile>', 'accepted for compatibility')
    .option('--pidfd-socket <path>', 'accepted for compatibility')
    .action((id: string, command: string[], flags: ExecFlags) =>
      invoke(async (invocation) => (await import('./commands/exec.ts')).exec(invocation, id, command, flags)),
    );
}

function addUpdate({ add, invoke }: CommandSet): void {
  add('update', 'change the resource limits of a container')
    .argument(ID)
    .option(
      '-r, --resources <file>',
      'a JSON file with linux.resources, or - for stdin; the other flags are ignored',
    )
    .option('--blkio-weight <n>', 'weight of its disk access, 10 to 1000')
    .option('--cpu-period <us>', 'the period of its CPU quota')
    .option('--cpu-quota <us>', 'CPU time that it may use in a period; -1 for no limit')
    .option('--cpu-burst <us>', 'CPU time that it may save up')
    .option('--cpu-share <n>', 'its weight against other containers')
    .option('--cpu-rt-period <us>', 'the period of its realtime CPU time')
    .option('--cpu-rt-runtime <us>', 'realtime CPU time in a period')
    .option('--cpuset-cpus <list>', 'the CPUs that it may use')
    .option('--cpuset-mems <list>', 'the memory nodes that it may use')
    .option('--cpu-idle <n>', '1: it runs only when nobody else wants to')
    .option('--memory <size>', 'memory limit in bytes, or with a unit such as 64m; -1 for none')
    .option('--memory-reservation <size>', 'what it is pressed down to when memory is short')
    .option('--memory-swap <size>', 'limit of memory and swap together; -1 for none')
    .option('--kernel-memory <size>', 'ignored: kernels have no such limit any more')
    .option('--kernel-memory-tcp <size>', 'limit of TCP buffers')
    .option('--pids-limit <n>', 'the most processes that it may have')
    .option('--l3-cache-schema <schema>', 'not supported (Intel RDT)')
    .option('--mem-bw-schema <schema>', 'not supported (Intel RDT)')
    .action((id: string, flags: UpdateFlags) =>
      invoke(async (invocation) => (await import('./commands/update.ts')).update(invocation, id, flags)),
    );
}

const CHECKPOINT_PATHS = ['image-path', 'work-path', 'parent-path', 'status-fd', 'page-server'];
const CHECKPOINT_SWITCHES = [
  'leave-running',
  'tcp-established',
  'tcp-skip-in-flight',
  'link-remap',
  'ext-unix-sk',
  'shell-job',
  'lazy-pages',
  'file-locks',
  'pre-dump',
  'auto-dedup',
];
const RESTORE_PATHS = [
  'console-socket',
  'image-path',
  'work-path',
  'pid-file',
  'lsm-profile',
  'lsm-mount-context',
];
const RESTORE_SWITCHES = [
  'no-subreaper',
  'no-pivot',
  'tcp-established',
  'ext-unix-sk',
  'shell-job',
  'file-locks',
  'auto-dedup',
  'lazy-pages',
];

/** runc's flags are all understood, so that a caller hears the one thing that matters. */
function addCheckpoints({ add, invoke }: CommandSet): void {
  const note = 'accepted for compatibility';
  const checkpoint = add('checkpoint', 'not available yet').argument(ID);
  const restore = add('restore', 'not available yet')
    .argument(ID)
    .option('-b, --bundle <dir>', note)
    .option('-d, --detach', note);
  for (const name of CHECKPOINT_PATHS) checkpoint.option(`--${name} <value>`, note);
  for (const name of RESTORE_PATHS) restore.option(`--${name} <value>`, note);
  for (const command of [checkpoint, restore]) {
    command.option('--manage-cgroups-mode <mode>', note).option('--empty-ns <namespace>', note);
  }
  for (const name of CHECKPOINT_SWITCHES) checkpoint.option(`--${name}`, note);
  for (const name of RESTORE_SWITCHES) restore.option(`--${name}`, note);
  checkpoint.action((id: string) =>
    invoke(async ({ options }) => (await import('./commands/checkpoint.ts')).checkpoint(options, id)),
  );
  restore.action((id: string) =>
    invoke(async ({ options }) => (await import('./commands/checkpoint.ts')).restore(options, id)),
  );
}
