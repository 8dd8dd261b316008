/** The way back to guest code when something waits: signals are taken and acted on here, stops and deaths begin. */
import { EINTR, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS, ERESTART_RESTARTBLOCK } from '../abi/errno.ts';
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SIGINFO_SIZE,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIG_DFL,
  SIG_IGN,
  SS_AUTODISARM,
  SS_DISABLE,
  SS_ONSTACK,
} from '../abi/signal.ts';
import { u8 } from '../../platform/arena.ts';
import { SignalFrame } from '../../platform/platform.ts';
import { DEFAULT_CONTINUE, DEFAULT_IGNORE, DEFAULT_STOP, defaultAction } from '../signal/actions.ts';
import type { SigAction } from '../signal/actions.ts';
import type { SigInfo } from '../signal/sig-info.ts';
import { encodeSigInfo, kernelSigInfo } from '../signal/sig-info.ts';
import { UNBLOCKABLE_LO, lowestSignal, sigBit } from '../signal/sig-set.ts';
import { parkStopped, stopGroup } from './job-control.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task.ts';
import { TASK_RUNNING } from './task.ts';
import { exitTask, killGroup } from './task-exit.ts';

const frame = new SignalFrame();

/** True for the kernel-internal results that ask for a restart. */
function isRestart(result: number): boolean {
  return result <= -ERESTARTSYS && result >= -ERESTART_RESTARTBLOCK;
}

/**
 * Acts on what waits for a task that has posted and whose call, if any, has ended in task.result. Replies, parks or
 * ends it; returns false when an interrupted call is simply to be run again.
 */
export function returnToGuest(kernel: Kernel, task: Task): boolean {
  const { group } = task;
  if (task.hasSavedMask && task.inSyscall && !isRestart(task.result) && task.result !== -EINTR)
    restoreMask(task);
  for (;;) {
    if (task.killed) {
      exitTask(kernel, task);
      return true;
    }
    if (group.stopped) {
      parkStopped(kernel, task);
      return true;
    }
    const signo = nextSignal(task);
    if (signo === 0) break;
    if (group.actions.catches(signo) && !canDeliver(task)) {
      trapFirst(kernel, task);
      return true;
    }
    const info = kernel.signals.take(task, task.maskLo, task.maskHi)!;
    // POSIX timers fill in their overrun count at the last moment.
    info.timer?.delivered(info);
    const action = group.actions.get(info.signo);
    if (action.handler === SIG_IGN) {
      kernel.tracer?.signal(task, info);
      continue;
    }
    if (action.handler !== SIG_DFL) {
      deliver(kernel, task, info, action);
      return true;
    }
    actByDefault(kernel, task, info);
  }
  if (task.inSyscall && isRestart(task.result) && !task.trapped && !task.stubCall) {
    kernel.signals.recalculate(task);
    return false;
  }
  if (task.hasSavedMask) {
    restoreMask(task);
    // The mask that comes back may let something through.
    if (nextSignal(task) !== 0) return returnToGuest(kernel, task);
  }
  kernel.signals.recalculate(task);
  reply(kernel, task);
  return true;
}

/** EVENT_BAD_FRAME: the frame did not fit; the signal is lost and SIGSEGV takes its place (signal(7)). */
export function onBadFrame(kernel: Kernel, task: Task): void {
  task.maskLo = task.frameMaskLo;
  task.maskHi = task.frameMaskHi;
  kernel.signals.force(task, kernelSigInfo(SIGSEGV), task.frameSigno === SIGSEGV);
}

/** What sigaltstack(2) reports as ss_flags: SS_ONSTACK while `sp` is on the stack. */
export function altStackFlags(task: Task, sp: number): number {
  if (task.altSize === 0) return SS_DISABLE;
  return onAltStack(task, sp) ? SS_ONSTACK : 0;
}

export function onAltStack(task: Task, sp: number): boolean {
  // An auto-disarmed stack is never "in use": it is disarmed while a handler runs.
  if ((task.altFlags & SS_AUTODISARM) !== 0) return false;
  return sp > task.altSp && sp - task.altSp <= task.altSize;
}

/** Number of the signal that take() would return, or 0. */
function nextSignal(task: Task): number {
  const lo = (task.pending.lo | task.group.pending.lo) & ~task.maskLo;
  const hi = (task.pending.hi | task.group.pending.hi) & ~task.maskHi;
  // take() prefers a thread's own and synchronous signals; any caught one needs the same full context.
  const own = lowestSignal(task.pending.lo & ~task.maskLo, task.pending.hi & ~task.maskHi);
  return own !== 0 ? own : lowestSignal(lo, hi);
}

function canDeliver(task: Task): boolean {
  const { thread } = task;
  // Operations to be acknowledged come first; the signal is delivered with the reply to EVENT_OPS.
  return thread.fullContext() && !thread.ackOps && thread.dataTop + SIGINFO_SIZE + 8 <= thread.dataEnd;
}

/** Lets the call return and brings the thread back, with a full context, before it runs guest code. */
function trapFirst(kernel: Kernel, task: Task): void {
  const restart = task.inSyscall && isRestart(task.result);
  task.trapped = task.inSyscall;
  task.trapResult = task.result;
  const result = restart ? -EINTR : task.result;
  task.completeCall();
  task.state = TASK_RUNNING;
  kernel.noteReply(task, task.result);
  task.thread.replyReturn(result, true);
}

function reply(kernel: Kernel, task: Task): void {
  const { thread } = task;
  task.state = TASK_RUNNING;
  if (!task.inSyscall) {
    thread.replyContinue(false);
    return;
  }
  task.inSyscall = false;
  if (task.trapped) {
    task.trapped = false;
    thread.replyContinue(isRestart(task.result));
    return;
  }
  if (task.stubCall) {
    // A wait that the stub ended for the interrupt: it starts it again by itself.
    task.stubCall = false;
    thread.replyContinue(false);
    return;
  }
  task.completeCall();
  kernel.noteReply(task, task.result);
  thread.replyReturn(task.result, false);
}

function restoreMask(task: Task): void {
  task.hasSavedMask = false;
  task.setMask(task.savedMaskLo, task.savedMaskHi);
}

/** SIG_DFL of a signal that is not caught (signal(7), "Standard signals"). */
function actByDefault(kernel: Kernel, task: Task, info: SigInfo): void {
  const { group } = task;
  const what = defaultAction(info.signo);
  kernel.tracer?.signal(task, info);
  if (what === DEFAULT_IGNORE || what === DEFAULT_CONTINUE) return;
  if (group.unkillable && info.signo !== SIGKILL && info.signo !== SIGSTOP) return;
  if (what === DEFAULT_STOP) {
    // Nobody could continue an orphaned group's members: the terminal's stop signals do nothing.
    if (info.signo !== SIGSTOP && group.pgrp.isOrphaned()) return;
    stopGroup(kernel, group, info.signo);
    return;
  }
  killGroup(kernel, group, info.signo);
}

/** Fills the frame and replies with it. */
function deliver(kernel: Kernel, task: Task, info: SigInfo, action: SigAction): void {
  const { thread } = task;
  frame.signo = info.signo;
  frame.handler = action.handler;
  frame.restorer = action.restorer;
  frame.flags = action.flags;
  frame.maskLo = task.hasSavedMask ? task.savedMaskLo : task.maskLo;
  frame.maskHi = task.hasSavedMask ? task.savedMaskHi : task.maskHi;
  task.hasSavedMask = false;
  task.frameSigno = info.signo;
  task.frameMaskLo = frame.maskLo;
  task.frameMaskHi = frame.maskHi;

  const sp = thread.sp();
  frame.altSp = task.altSp;
  frame.altSize = task.altSize;
  frame.altFlags = (altStackFlags(task, sp) | (task.altFlags & SS_AUTODISARM)) >>> 0;
  const useAlt = (action.flags & SA_ONSTACK) !== 0 && task.altSize !== 0 && !onAltStack(task, sp);
  frame.stackTop = useAlt ? task.altSp + task.altSize : 0;
  if ((task.altFlags & SS_AUTODISARM) !== 0) {
    task.altSp = 0;
    task.altSize = 0;
    task.altFlags = SS_DISABLE;
  }

  const at = task.stage(SIGINFO_SIZE);
  encodeSigInfo(info, u8, at);
  frame.siginfoOffset = at;
  setFrameResult(task, action);
  if (kernel.tracer !== null) {
    if (task.inSyscall && !task.trapped) kernel.noteReply(task, task.result);
    kernel.tracer.signal(task, info);
  }

  task.maskLo = (task.maskLo | action.maskLo) & ~UNBLOCKABLE_LO;
  task.maskHi |= action.maskHi;
  if ((action.flags & SA_NODEFER) === 0) {
    if (info.signo <= 32) task.maskLo |= sigBit(info.signo);
    else task.maskHi |= sigBit(info.signo);
  }
  if ((action.flags & SA_RESETHAND) !== 0) action.handler = SIG_DFL;
  kernel.signals.recalculate(task);
  frame.trapAfter = task.attention;
  if (task.inSyscall) task.completeCall();
  task.inSyscall = false;
  task.trapped = false;
  task.stubCall = false;
  task.state = TASK_RUNNING;
  thread.replySignal(frame);
}

/** How the interrupted call ends for the handler: its own result, -EINTR, or a restart (signal(7)). */
function setFrameResult(task: Task, action: SigAction): void {
  frame.setResult = false;
  frame.restart = false;
  frame.result = 0;
  if (!task.inSyscall) return;
  const { result } = task;
  const restart =
    result === -ERESTARTNOINTR || (result === -ERESTARTSYS && (action.flags & SA_RESTART) !== 0);
  if (restart) {
    frame.restart = true;
    return;
  }
  const interrupted = isRestart(result) || result === -ERESTARTNOHAND;
  frame.setResult = true;
  frame.result = interrupted ? -EINTR : result;
}
