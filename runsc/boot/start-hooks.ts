/** startContainer hooks: programs of the container that run in it, as its user, before its own program does. */
import { addon } from '../../native/addon.ts';
import { SIGKILL } from '../../sentry/abi/signal.ts';
import { dropProcess } from '../../sentry/kernel/start-process.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { Timer } from '../../sentry/time/timers.ts';
import type { Hook } from '../spec/spec.ts';
import type { Container } from './container.ts';
import { HookOutput } from './hook-output.ts';
import { latin1, makeProcess, runImage } from './init-process.ts';
import { StartError } from './start-error.ts';
import { connectStdio } from './stdio.ts';

const NS_PER_SECOND = 1e9;
/** The container's pid as its own processes see it. */
const INIT_PID = 1;
/** Go's words for how a process ended; of others the number is all there is. */
const SIGNAL_TEXTS = [
  ...['hangup', 'interrupt', 'quit', 'illegal instruction', 'trace/breakpoint trap', 'aborted', 'bus error'],
  ...['floating point exception', 'killed', 'user defined signal 1', 'segmentation fault'],
  ...['user defined signal 2', 'broken pipe', 'alarm clock', 'terminated'],
];

/** Runs the hooks one after the other; `done` hears null, or in runc's words what the first one failed with. */
export class StartHooks {
  private readonly container: Container;
  private readonly hooks: readonly Hook[];
  private readonly done: (failure: string | null) => void;
  private readonly state: Buffer;
  private index = 0;
  private late = false;
  /** A hook's end is heard in the middle of an exit: what follows waits until that is over. */
  private readonly next = new Timer(() => {
    this.advance();
  });
  private timeout: Timer | null = null;
  private outputs: readonly [HookOutput, HookOutput] | null = null;

  constructor(container: Container, hooks: readonly Hook[], done: (failure: string | null) => void) {
    const { id, bundle, spec } = container.boot;
    const { ociVersion, annotations } = spec;
    this.container = container;
    this.hooks = hooks;
    this.done = done;
    const state = { ociVersion, id, status: 'created', pid: INIT_PID, bundle, annotations };
    this.state = Buffer.from(JSON.stringify(state));
    this.advance();
  }

  private advance(): void {
    const hook = this.hooks[this.index];
    if (hook === undefined) {
      this.done(null);
      return;
    }
    try {
      this.run(hook);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.fail(error.message);
    }
  }

  private run({ path, args = [path], env = [], timeout }: Hook): void {
    const { kernel, ns, mounts, process } = this.container;
    const task = makeProcess(kernel, ns, mounts, process, 'hook');
    try {
      task.seccomp = this.container.seccomp;
      connectStdio(task, { standard: [this.stateFile()], preserved: [] }, null);
      const outputs = [new HookOutput(), new HookOutput()] as const;
      for (const [index, output] of outputs.entries()) task.files.set(index + 1, output.file, false);
      this.outputs = outputs;
      task.group.onEnd = (status) => {
        this.ended(status);
      };
      runImage(task, latin1(path), args.map(latin1), env.map(latin1));
    } catch (error) {
      dropProcess(task);
      throw error;
    }
    if (timeout !== undefined) this.limit(task, timeout * NS_PER_SECOND);
  }

  private limit(task: Task, timeoutNs: number): void {
    const { kernel } = this.container;
    this.timeout = new Timer(() => {
      this.late = true;
      kernel.signals.sendFromOutside(task.group, SIGKILL);
    });
    kernel.timers.arm(this.timeout, kernel.clock.monotonicNs() + timeoutNs);
  }

  private ended(waitStatus: number): void {
    const { timers } = this.container.kernel;
    if (this.timeout !== null) timers.cancel(this.timeout);
    const [stdout, stderr] = this.outputs!.map((output) => output.end());
    if (this.late) {
      this.fail(`hook ran past specified timeout of ${this.hooks[this.index]!.timeout!.toFixed(1)}s`);
    } else if (waitStatus !== 0) {
      const signal = waitStatus & 0x7f;
      const end =
        signal === 0
          ? `exit status ${(waitStatus >>> 8) & 0xff}`
          : `signal: ${SIGNAL_TEXTS[signal - 1] ?? String(signal)}`;
      this.fail(`error running hook: ${end}, stdout: ${stdout}, stderr: ${stderr}`);
    } else {
      this.index++;
      timers.arm(this.next, 0);
    }
  }

  private fail(reason: string): void {
    this.done(`error running hook #${this.index}: ${reason}`);
  }

  /** A file, since nobody would be there to write into a pipe. */
  private stateFile(): number {
    const fd = addon.memfdCreate('state', 0);
    if (fd < 0) throw new StartError('no memory for the state');
    addon.pwrite(fd, this.state, 0, this.state.length, 0);
    return fd;
  }
}
