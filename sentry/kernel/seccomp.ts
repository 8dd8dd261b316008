/** Filters that guests put on themselves with seccomp(2), run before each call. */
import { ENOSYS } from '../abi/errno.ts';
import { SIGKILL, SIGSYS, SYS_SECCOMP } from '../abi/signal.ts';
import { NO_REPLY } from '../base/result.ts';
import { unimplemented } from '../base/unimplemented.ts';
import { SigInfo } from '../signal/sig-info.ts';
import type { Kernel } from './kernel.ts';
import { runProgram } from './seccomp-bpf.ts';
import type { SeccompState, Task } from './task.ts';
import { exitTask, killGroup } from './task-exit.ts';

export const RET_KILL_PROCESS = 0x80000000;
export const RET_KILL_THREAD = 0;
export const RET_TRAP = 0x00030000;
export const RET_ERRNO = 0x00050000;
export const RET_TRACE = 0x7ff00000;
export const RET_LOG = 0x7ffc0000;
export const RET_ALLOW = 0x7fff0000;
const ACTION_MASK = 0xffff0000;
const MAX_ERRNO = 4095;
const AUDIT_ARCH_X86_64 = 0xc000003e;
const AUDIT_ARCH_AARCH64 = 0xc00000b7;

/** One filter of a chain: a guest's program, or the container's policy at its end. */
export interface SeccompLink extends SeccompState {
  /** Instructions of the whole chain, as Linux counts them. */
  readonly totalLength: number;
  readonly previous: SeccompLink | null;
  /** SECCOMP_RET_ value for the call in progress, unsigned. */
  verdict(task: Task): number;
}

export function isLink(state: SeccompState): state is SeccompLink {
  return state.mode === 2;
}

/** A chain of filters: the newest first, all run, the most severe verdict wins. */
export class SeccompFilters implements SeccompLink {
  readonly mode = 2;
  readonly totalLength: number;
  private readonly program: DataView;
  readonly previous: SeccompLink | null;
  readonly log: boolean;

  constructor(program: DataView, previous: SeccompLink | null, log: boolean) {
    this.program = program;
    this.previous = previous;
    this.log = log;
    // Each filter costs 4 instructions more, as Linux counts (seccomp(2), ENOMEM).
    this.totalLength = program.byteLength / 8 + 4 + (previous?.totalLength ?? 0);
  }

  static actionKnown(action: number): boolean {
    return [RET_KILL_PROCESS, RET_KILL_THREAD, RET_TRAP, RET_ERRNO, RET_TRACE, RET_LOG, RET_ALLOW].includes(
      action,
    );
  }

  check(kernel: Kernel, task: Task): number | null {
    fillData(kernel, task);
    let verdict = this.verdict(task);
    for (let link = this.previous; link !== null; link = link.previous) {
      const value = link.verdict(task);
      // Actions are ordered as signed numbers: the lowest is the most severe.
      if ((value & ACTION_MASK) < (verdict & ACTION_MASK)) verdict = value;
    }
    return actOnVerdict(kernel, task, verdict >>> 0);
  }

  verdict(_task: Task): number {
    return runProgram(this.program, data);
  }
}

/** read, write, exit and rt_sigreturn only; anything else kills (SECCOMP_SET_MODE_STRICT). */
export const STRICT: SeccompState = {
  mode: 1,
  check(kernel: Kernel, task: Task): number | null {
    const allowed = kernel.options.machine === 'x86_64' ? [0, 1, 60, 15] : [63, 64, 93, 139];
    if (allowed.includes(task.nr)) return null;
    return killThread(kernel, task, SIGKILL);
  },
};

/** struct seccomp_data: nr, arch, instruction pointer, six arguments. */
const data = new Uint32Array(16);

/** The register of the result is as it was before the call (syscall_rollback): the number on x86, else an argument. */
function rolledBack(kernel: Kernel, task: Task): number {
  if (kernel.options.machine === 'x86_64') return task.nr;
  const value = task.arg(0);
  return value <= Number.MAX_SAFE_INTEGER ? value : -ENOSYS;
}

function auditArch(kernel: Kernel): number {
  return kernel.options.machine === 'x86_64' ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64;
}

function fillData(kernel: Kernel, task: Task): void {
  const ip = task.thread.ip();
  data[0] = task.nr;
  data[1] = auditArch(kernel);
  data[2] = ip;
  data[3] = Math.floor(ip / 4294967296);
  for (let i = 0; i < 12; i++) data[4 + i] = task.args[i]!;
}

/** Carries a verdict out: null lets the call happen, else its result. */
export function actOnVerdict(kernel: Kernel, task: Task, verdict: number): number | null {
  const detail = verdict & 0xffff;
  switch ((verdict & ACTION_MASK) >>> 0) {
    case RET_ALLOW:
    case RET_LOG:
      return null;
    case RET_ERRNO:
      return -Math.min(detail, MAX_ERRNO);
    case RET_TRAP: {
      const info = new SigInfo(SIGSYS, SYS_SECCOMP);
      info.errno = detail;
      info.addr = task.thread.ip();
      info.syscall = task.nr;
      info.arch = auditArch(kernel);
      kernel.signals.force(task, info);
      return rolledBack(kernel, task);
    }
    case RET_TRACE:
      // Without a tracer the call is skipped (seccomp(2)).
      return -ENOSYS;
    case RET_KILL_THREAD:
      return killThread(kernel, task, SIGSYS);
    case RET_KILL_PROCESS:
      killGroup(kernel, task.group, SIGSYS);
      return 0;
    default:
      unimplemented(`seccomp action 0x${verdict.toString(16)}`);
      killGroup(kernel, task.group, SIGSYS);
      return 0;
  }
}

/** The last thread takes the process with it. */
function killThread(kernel: Kernel, task: Task, signo: number): number {
  if (task.group.tasks.size === 1) {
    killGroup(kernel, task.group, signo);
    return 0;
  }
  task.exitCode = signo;
  task.killed = true;
  exitTask(kernel, task);
  return NO_REPLY;
}
