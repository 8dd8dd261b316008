/** rt_sigreturn(2) and restart_syscall(2). */
import { EINTR } from '../../sentry/abi/errno.ts';
import { SIGSEGV } from '../../sentry/abi/signal.ts';
import { NO_REPLY } from '../../sentry/base/result.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { TASK_RUNNING } from '../../sentry/kernel/task.ts';
import { kernelSigInfo } from '../../sentry/signal/sig-info.ts';
import { SignalFrame } from '../../platform/platform.ts';
import { setAltStack } from './mask.ts';

const frame = new SignalFrame();

export function sys_rt_sigreturn(t: Task): number {
  if (!t.thread.sigreturnFrame(frame)) {
    t.kernel.signals.force(t, kernelSigInfo(SIGSEGV));
    return 0;
  }
  t.setMask(frame.maskLo, frame.maskHi);
  // As in Linux a bad uc_stack is no error: the setting just stays.
  setAltStack(t, frame.altSp, frame.altFlags, frame.altSize, t.thread.sp());
  t.kernel.tracer?.sigreturn(t);
  t.state = TASK_RUNNING;
  t.thread.replySigreturn(t.attention);
  return NO_REPLY;
}

/** Only the kernel itself restarts calls, and ours does so without this number. */
export function sys_restart_syscall(_t: Task): number {
  return -EINTR;
}
