/** Sending, queueing, masking and delivering signals (signal(7)). */
import { describe, expect, test } from 'vitest';
import { EAGAIN, EINTR, ENOSYS, EPERM, ESRCH } from '../../../sentry/abi/errno.ts';
import {
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTART,
  SA_SIGINFO,
  SIGALRM,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  SI_TKILL,
} from '../../../sentry/abi/signal.ts';
import { Credentials } from '../../../sentry/auth/credentials.ts';
import { TASK_DEAD } from '../../../sentry/kernel/task.ts';
import type { Task } from '../../../sentry/kernel/task.ts';
import { sigInfo } from '../../../sentry/signal/sig-info.ts';
import { EVENT_BAD_FRAME, EVENT_FAULT } from '../../../platform/platform.ts';
import { MEMORY_START } from './fake-platform.ts';
import { World, block, clone, fork, nr, sys, threadOf } from './world.ts';

const HANDLER = 0x401000;
const THREAD = 0x10000 | 0x800 | 0x100 | 0x400 | 0x200;
const A = MEMORY_START;

function bit(signo: number): number {
  return 1 << (signo - 1);
}

function handle(task: Task, signo: number, flags = 0, mask = 0, handler = HANDLER): void {
  const t = threadOf(task);
  for (let i = 0; i < 32; i += 4) t.setInt(A + i, 0);
  t.setInt(A, handler);
  t.setInt(A + 8, flags | 0);
  t.setInt(A + 24, mask);
  expect(sys(task, 'rt_sigaction', signo, A, 0, 8)).toBe(0);
}

function setMask(task: Task, mask: number): void {
  threadOf(task).setInt(A, mask);
  // -1 stands for all 64.
  threadOf(task).setInt(A + 4, mask === -1 ? -1 : 0);
  const reply = threadOf(task).call(nr('rt_sigprocmask'), 2, A, 0, 8);
  expect(reply).not.toBeNull();
}

describe('delivery', () => {
  test('to itself: the frame comes with the reply to kill and carries its result', () => {
    const { init } = new World();
    handle(init, SIGUSR1, SA_SIGINFO, bit(SIGUSR2));
    const reply = threadOf(init).call(nr('kill'), 1, SIGUSR1)!;
    expect(reply.kind).toBe('signal');
    expect(reply.frame).toMatchObject({
      signo: SIGUSR1,
      handler: HANDLER,
      setResult: true,
      result: 0,
      maskLo: 0,
    });
    expect(init.maskLo).toBe(bit(SIGUSR1) | bit(SIGUSR2));
    const info = new DataView(reply.siginfo!.buffer);
    expect([info.getInt32(0, true), info.getInt32(8, true), info.getInt32(16, true)]).toEqual([
      SIGUSR1,
      0,
      1,
    ]);
  });

  test('SA_NODEFER does not block it, SA_RESETHAND forgets the handler', () => {
    const { init } = new World();
    handle(init, SIGUSR1, SA_NODEFER | SA_RESETHAND);
    threadOf(init).call(nr('kill'), 1, SIGUSR1);
    expect(init.maskLo).toBe(0);
    expect(init.group.actions.get(SIGUSR1).handler).toBe(0);
  });

  test('a running thread is interrupted and gets it with its next event', () => {
    const w = new World();
    const child = fork(w.init);
    handle(child, SIGUSR1);
    expect(sys(w.init, 'kill', child.pid, SIGUSR1)).toBe(0);
    expect(threadOf(child).interrupted).toBe(1);
    const reply = threadOf(child).trap()!;
    expect(reply.frame).toMatchObject({ signo: SIGUSR1, setResult: false, restart: false });
  });

  test('without a full context the call returns first and the trap brings the frame', () => {
    const { init } = new World();
    handle(init, SIGUSR1, SA_RESTART);
    threadOf(init).full = false;
    expect(threadOf(init).call(nr('kill'), 1, SIGUSR1)).toMatchObject({
      kind: 'return',
      value: 0,
      trapAfter: true,
    });
    threadOf(init).full = true;
    expect(threadOf(init).trap()).toMatchObject({ kind: 'signal', frame: { restart: false, result: 0 } });
  });

  test('two signals: the second frame follows by a trap', () => {
    const { init } = new World();
    handle(init, SIGUSR1);
    handle(init, SIGUSR2);
    setMask(init, bit(SIGUSR1) | bit(SIGUSR2));
    sys(init, 'kill', 1, SIGUSR2);
    sys(init, 'kill', 1, SIGUSR1);
    threadOf(init).setInt(A, 0);
    const first = threadOf(init).call(nr('rt_sigprocmask'), 2, A, 0, 8)!;
    expect([first.value, first.trapAfter]).toEqual([SIGUSR1, true]);
    const second = threadOf(init).trap()!;
    expect([second.value, second.trapAfter]).toEqual([SIGUSR2, false]);
    expect(second.frame!.maskLo).toBe(bit(SIGUSR1));
  });

  test('standard signals coalesce, realtime ones queue in order with their values', () => {
    const { init, kernel } = new World();
    setMask(init, -1);
    for (let i = 1; i <= 3; i++) {
      sys(init, 'kill', 1, SIGUSR1);
      const info = sigInfo(40, -1, 1, 0);
      info.valueLo = i;
      kernel.signals.sendToGroup(init.group, info);
    }
    const taken: number[] = [];
    for (let info = kernel.signals.take(init, 0, 0); info !== null; info = kernel.signals.take(init, 0, 0)) {
      taken.push(info.signo * 10 + info.valueLo);
    }
    expect(taken).toEqual([100, 401, 402, 403]);
    expect(kernel.signals.pendingCount(0)).toBe(0);
  });

  test('RLIMIT_SIGPENDING: sigqueue fails, kill does not', () => {
    const { init, kernel } = new World();
    init.group.limits.set(11, 2, 2);
    setMask(init, -1);
    const send = (code: number): number => kernel.signals.sendToGroup(init.group, sigInfo(40, code, 1, 0));
    expect([send(-1), send(-1), send(-1), send(0)]).toEqual([0, 0, -EAGAIN, 0]);
  });

  test('the alternate stack is used once and reported in use', () => {
    const { init } = new World();
    handle(init, SIGUSR1, SA_ONSTACK);
    init.altSp = 0x18000;
    init.altSize = 0x2000;
    init.altFlags = 0;
    const reply = threadOf(init).call(nr('kill'), 1, SIGUSR1)!;
    expect(reply.frame).toMatchObject({ stackTop: 0x1a000, altSp: 0x18000, altSize: 0x2000, altFlags: 0 });
  });
});

describe('interrupted calls', () => {
  test('pause ends with EINTR', () => {
    const w = new World();
    const child = fork(w.init);
    handle(child, SIGUSR1, SA_RESTART);
    block(child, 'pause');
    sys(w.init, 'kill', child.pid, SIGUSR1);
    expect(threadOf(child).reply()!.frame).toMatchObject({ restart: false, setResult: true, result: -EINTR });
  });

  test('wait4 restarts with SA_RESTART and ends with EINTR without', () => {
    const w = new World();
    const child = fork(w.init);
    fork(child);
    handle(child, SIGUSR1, SA_RESTART);
    handle(child, SIGUSR2);
    block(child, 'wait4', -1, 0, 0, 0);
    sys(w.init, 'kill', child.pid, SIGUSR1);
    expect(threadOf(child).reply()!.frame).toMatchObject({ restart: true, setResult: false });
    block(child, 'wait4', -1, 0, 0, 0);
    sys(w.init, 'kill', child.pid, SIGUSR2);
    expect(threadOf(child).reply()!.frame).toMatchObject({ restart: false, result: -EINTR });
  });

  test('nanosleep reports the time left and goes on sleeping after an ignored signal', () => {
    const w = new World();
    const child = fork(w.init);
    handle(child, SIGUSR1);
    const t = threadOf(child);
    t.setInt(A, 10);
    t.setInt(A + 4, 0);
    t.setInt(A + 8, 0);
    t.setInt(A + 12, 0);
    block(child, 'nanosleep', A, A + 64);
    w.advance(4e9);
    sys(w.init, 'kill', child.pid, SIGCONT);
    expect(t.reply()).toBeNull();
    sys(w.init, 'kill', child.pid, SIGUSR1);
    expect(t.reply()!.frame!.result).toBe(-EINTR);
    expect(t.int(A + 64)).toBe(6);
    block(child, 'nanosleep', A, 0);
    w.advance(11e9);
    expect(t.reply()).toMatchObject({ kind: 'return', value: 0 });
  });

  test('rt_sigsuspend delivers under its mask and puts the old one into the frame', () => {
    const w = new World();
    const child = fork(w.init);
    handle(child, SIGUSR1);
    setMask(child, bit(SIGUSR1) | bit(SIGTERM));
    threadOf(child).setInt(A, bit(SIGUSR2));
    block(child, 'rt_sigsuspend', A, 8);
    expect(child.maskLo).toBe(bit(SIGUSR2));
    sys(w.init, 'kill', child.pid, SIGUSR1);
    const reply = threadOf(child).reply()!;
    expect(reply.frame).toMatchObject({ result: -EINTR, maskLo: bit(SIGUSR1) | bit(SIGTERM) });
    expect(child.maskLo).toBe(bit(SIGUSR1) | bit(SIGUSR2));
  });

  test('rt_sigtimedwait takes a blocked signal, and times out', () => {
    const w = new World();
    const child = fork(w.init);
    setMask(child, bit(SIGUSR1));
    const t = threadOf(child);
    t.setInt(A, bit(SIGUSR1));
    t.setInt(A + 4, 0);
    block(child, 'rt_sigtimedwait', A, A + 128, 0, 8);
    sys(w.init, 'kill', child.pid, SIGUSR1);
    expect(t.reply()).toMatchObject({ kind: 'return', value: SIGUSR1 });
    expect(t.int(A + 128)).toBe(SIGUSR1);
    expect(child.waitSetLo).toBe(0);
    for (let i = 16; i < 32; i += 4) t.setInt(A + i, 0);
    t.setInt(A + 24, 1000);
    block(child, 'rt_sigtimedwait', A, 0, A + 16, 8);
    w.advance(2000);
    expect(t.reply()).toMatchObject({ kind: 'return', value: -EAGAIN });
  });

  test('a futex wait of the stub: a handler without SA_RESTART sees EINTR, none restarts it', () => {
    const w = new World();
    const child = fork(w.init);
    handle(child, SIGUSR1);
    sys(w.init, 'kill', child.pid, SIGUSR1);
    const t = threadOf(child);
    const futex = { number: 202 };
    Object.assign(t, futex);
    t.args.fill(0);
    const reply = t.post(1)!;
    expect(reply.frame).toMatchObject({ setResult: true, result: -EINTR });
    Object.assign(t, futex);
    expect(t.post(1)).toMatchObject({ kind: 'continue', value: 0 });
  });
});

describe('who may and what dies', () => {
  test('init is immune to what it does not handle, also to SIGKILL from inside', () => {
    const { init, kernel } = new World();
    for (const signo of [SIGTERM, SIGKILL, SIGSTOP, SIGALRM]) expect(sys(init, 'kill', 1, signo)).toBe(0);
    expect(init.state).not.toBe(TASK_DEAD);
    kernel.signals.sendFromOutside(init.group, SIGKILL);
    expect(init.state).toBe(TASK_DEAD);
  });

  test('SIGKILL ends a running process at once and its parent hears of it', () => {
    const w = new World();
    const child = fork(w.init);
    setMask(child, -1);
    sys(w.init, 'kill', child.pid, SIGKILL);
    expect(child.state).toBe(TASK_DEAD);
    expect(threadOf(child).space.dead).toBe(true);
    expect(sys(w.init, 'wait4', -1, A, 0, 0)).toBe(child.pid);
    expect(threadOf(w.init).int(A)).toBe(SIGKILL);
  });

  test('a fatal signal ends all threads', () => {
    const w = new World();
    const leader = fork(w.init);
    const thread = clone(leader, THREAD);
    sys(w.init, 'tkill', thread.tid, SIGTERM);
    expect([leader.state, thread.state]).toEqual([TASK_DEAD, TASK_DEAD]);
    expect(sys(w.init, 'wait4', leader.pid, A, 0, 0)).toBe(leader.pid);
    expect(threadOf(w.init).int(A)).toBe(SIGTERM);
  });

  test('permission: same user, CAP_KILL, or SIGCONT within the session', () => {
    const w = new World();
    const a = fork(w.init);
    const b = fork(w.init);
    a.creds = new Credentials({ uid: 1000, euid: 1000, suid: 1000 });
    b.creds = new Credentials({ uid: 1001, euid: 1001, suid: 1001 });
    expect(sys(a, 'kill', b.pid, 0)).toBe(-EPERM);
    expect(sys(a, 'kill', b.pid, SIGCONT)).toBe(0);
    b.creds = new Credentials({ uid: 1001, euid: 1001, suid: 1000 });
    expect(sys(a, 'kill', b.pid, 0)).toBe(0);
    expect(sys(w.init, 'kill', b.pid, 0)).toBe(0);
    expect(sys(a, 'kill', 4000, 0)).toBe(-ESRCH);
  });

  test('a group signal goes to a thread that does not block it', () => {
    const w = new World();
    const leader = fork(w.init);
    const thread = clone(leader, THREAD);
    handle(leader, SIGUSR1);
    setMask(leader, bit(SIGUSR1));
    sys(w.init, 'kill', leader.pid, SIGUSR1);
    expect(threadOf(leader).interrupted).toBe(0);
    expect(threadOf(thread).trap()).toMatchObject({ kind: 'signal', value: SIGUSR1 });
  });

  test('tgkill says SI_TKILL and checks the group', () => {
    const w = new World();
    const child = fork(w.init);
    handle(child, SIGUSR1, SA_SIGINFO);
    expect(sys(w.init, 'tgkill', child.pid + 50, child.tid, SIGUSR1)).toBe(-ESRCH);
    sys(w.init, 'tgkill', child.pid, child.tid, SIGUSR1);
    const info = new DataView(threadOf(child).trap()!.siginfo!.buffer);
    expect(info.getInt32(8, true)).toBe(SI_TKILL);
  });

  test('a fault that is blocked or does not fit its frame kills', () => {
    const w = new World();
    const a = fork(w.init);
    handle(a, SIGSEGV);
    setMask(a, bit(SIGSEGV));
    threadOf(a).faults(EVENT_FAULT, SIGSEGV, 1, 8);
    expect(a.state).toBe(TASK_DEAD);
    const b = fork(w.init);
    handle(b, SIGSEGV, SA_SIGINFO);
    const reply = threadOf(b).faults(EVENT_FAULT, SIGSEGV, 1, 0x1234)!;
    expect(new DataView(reply.siginfo!.buffer).getInt32(16, true)).toBe(0x1234);
    threadOf(b).post(EVENT_BAD_FRAME);
    expect(b.state).toBe(TASK_DEAD);
    expect(b.group.exitStatus).toBe(SIGSEGV);
  });

  test('SIGCHLD is not sent to a parent that ignores it, and the child is reaped', () => {
    const w = new World();
    const parent = fork(w.init);
    handle(parent, SIGCHLD, 0, 0, 1);
    const child = fork(parent);
    sys(w.init, 'kill', child.pid, SIGKILL);
    expect(w.ns.pid.pids.has(child.pid)).toBe(false);
    expect(parent.pending.lo | parent.group.pending.lo).toBe(0);
  });

  test('calls without a handler answer ENOSYS', () => {
    const { init } = new World();
    expect(threadOf(init).call(5000)).toMatchObject({ kind: 'return', value: -ENOSYS });
  });
});
