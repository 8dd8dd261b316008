/** Children, waits, process groups, sessions, stops and continues (credentials(7), wait(2), setpgid(2)). */
import { describe, expect, test } from 'vitest';
import { EACCES, ECHILD, EINTR, EINVAL, EPERM, ESRCH } from '../../../sentry/abi/errno.ts';
import {
  CLD_CONTINUED,
  CLD_KILLED,
  CLD_STOPPED,
  SIGCHLD,
  SIGCONT,
  SIGHUP,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  SIGTSTP,
} from '../../../sentry/abi/signal.ts';
import { TASK_DEAD, TASK_RUNNING, TASK_STOPPED } from '../../../sentry/kernel/task.ts';
import type { Task } from '../../../sentry/kernel/task.ts';
import { MEMORY_START } from './fake-platform.ts';
import { World, block, clone, exit, fork, nr, sys, threadOf } from './world.ts';

const A = MEMORY_START;
const WNOHANG = 1;
const WUNTRACED = 2;
const WEXITED = 4;
const WCONTINUED = 8;
const WNOWAIT = 0x1000000;
const WCLONE = 0x80000000;
const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
const THREAD = 0x10000 | 0x800 | CLONE_VM | 0x400 | 0x200;

/** A shell's job: its own process group. */
function job(parent: Task): Task {
  const child = fork(parent);
  expect(sys(parent, 'setpgid', child.pid, 0)).toBe(0);
  return child;
}

function wait(task: Task, pid = -1, options = 0): [number, number] {
  const r = sys(task, 'wait4', pid, A, options, 0);
  return [r, threadOf(task).int(A)];
}

describe('waiting', () => {
  test('the status of an exit, of a kill, and ECHILD after them', () => {
    const { init } = new World();
    const a = fork(init);
    const b = fork(init);
    exit(a, 7);
    expect(wait(init, a.pid)).toEqual([a.pid, 7 << 8]);
    sys(init, 'kill', b.pid, SIGTERM);
    expect(wait(init)).toEqual([b.pid, SIGTERM]);
    expect(sys(init, 'wait4', -1, 0, 0, 0)).toBe(-ECHILD);
  });

  test('a waiting parent is woken; WNOHANG does not wait', () => {
    const { init } = new World();
    const child = fork(init);
    expect(sys(init, 'wait4', -1, 0, WNOHANG, 0)).toBe(0);
    block(init, 'wait4', -1, A, 0, 0);
    exit(child, 1);
    expect(threadOf(init).reply()).toMatchObject({ kind: 'return', value: child.pid });
    expect(threadOf(init).int(A)).toBe(256);
  });

  test('the exit of the leader thread leaves the process until the last thread goes; its status counts', () => {
    const { init } = new World();
    const leader = fork(init);
    const thread = clone(leader, THREAD);
    threadOf(leader).call(nr('exit'), 3);
    expect(leader.state).toBe(TASK_DEAD);
    expect(sys(init, 'wait4', -1, 0, WNOHANG, 0)).toBe(0);
    threadOf(thread).call(nr('exit'), 4);
    expect(wait(init)).toEqual([leader.pid, 3 << 8]);
  });

  test('waitid reports without reaping under WNOWAIT', () => {
    const { init } = new World();
    const child = fork(init);
    sys(init, 'kill', child.pid, SIGKILL);
    for (const options of [WEXITED | WNOWAIT, WEXITED]) {
      expect(sys(init, 'waitid', 1, child.pid, A, options, 0)).toBe(0);
      const t = threadOf(init);
      expect([0, 8, 16, 24].map((at) => t.int(A + at))).toEqual([SIGCHLD, CLD_KILLED, child.pid, SIGKILL]);
    }
    expect(sys(init, 'waitid', 1, child.pid, A, WEXITED, 0)).toBe(-ECHILD);
    expect(sys(init, 'waitid', 0, 0, A, 0, 0)).toBe(-EINVAL);
  });

  test('clone children with another exit signal need __WCLONE', () => {
    const { init } = new World();
    const child = clone(init, 0);
    exit(child, 0);
    expect(sys(init, 'wait4', -1, 0, WNOHANG, 0)).toBe(-ECHILD);
    expect(sys(init, 'wait4', -1, 0, WCLONE, 0)).toBe(child.pid);
  });

  test('orphans go to init, or to the nearest subreaper', () => {
    const { init } = new World();
    const reaper = fork(init);
    const middle = fork(reaper);
    const leaf = fork(middle);
    sys(reaper, 'prctl', 36, 1, 0, 0, 0);
    exit(middle, 0);
    expect(sys(leaf, 'getppid')).toBe(reaper.pid);
    exit(reaper, 0);
    expect(sys(leaf, 'getppid')).toBe(1);
    exit(leaf, 9);
    expect(wait(init, leaf.pid)).toEqual([leaf.pid, 9 << 8]);
  });

  test('the parent-death signal', () => {
    const { init } = new World();
    const parent = fork(init);
    const child = fork(parent);
    sys(child, 'prctl', 1, SIGKILL, 0, 0, 0);
    exit(parent, 0);
    expect(child.state).toBe(TASK_DEAD);
  });

  test("init's end kills everybody and is the container's", () => {
    const w = new World();
    const a = fork(w.init);
    const b = fork(a);
    block(b, 'pause');
    exit(w.init, 5);
    expect([a.state, b.state, w.ended]).toEqual([TASK_DEAD, TASK_DEAD, 5 << 8]);
  });
});

describe('vfork and threads', () => {
  test('the parent is held until the child exits; the space lives on', () => {
    const { init } = new World();
    const child = clone(init, CLONE_VM | CLONE_VFORK | 17);
    expect(threadOf(init).reply()).toBeNull();
    expect(child.mm).toBe(init.mm);
    expect(threadOf(child).call(nr('exit_group'), 0)).toMatchObject({ kind: 'exit' });
    expect(threadOf(init).reply()).toMatchObject({ kind: 'return', value: child.tid });
    expect(threadOf(init).space.dead).toBe(false);
    expect(init.mm.users).toBe(1);
  });

  test('a clone that the platform could not make leaves nothing behind', () => {
    const { init, ns } = new World();
    threadOf(init).call(nr('clone'), 17);
    expect(threadOf(init).cloned(-12)).toMatchObject({ kind: 'return', value: -12 });
    expect([ns.pid.pids.size, ns.pid.groups.size, ns.pid.taskCount, init.group.children.size]).toEqual([
      1, 1, 1, 0,
    ]);
  });

  test('clone flags that do not go together', () => {
    const { init } = new World();
    expect(sys(init, 'clone', 0x10000)).toBe(-EINVAL);
    expect(sys(init, 'clone', 0x800)).toBe(-EINVAL);
    expect(sys(init, 'clone', 0x20000 | 0x200)).toBe(-EINVAL);
    expect(sys(init, 'clone', 0x8000 | 17)).toBe(-EINVAL);
  });

  test('the pids limit and RLIMIT_NPROC', () => {
    const w = new World();
    w.ns.cgroup.pidsLimit = 2;
    const child = fork(w.init);
    expect(sys(w.init, 'clone', 17)).toBe(-11);
    w.ns.cgroup.pidsLimit = 0;
    sys(child, 'setuid', 1000);
    child.group.limits.set(6, 1, 1);
    expect(sys(child, 'clone', 17)).toBe(-11);
  });
});

describe('process groups and sessions', () => {
  test('setsid makes a leader, who can do neither again', () => {
    const { init } = new World();
    const child = fork(init);
    expect(sys(child, 'setsid')).toBe(child.pid);
    expect([sys(child, 'getpgrp'), sys(child, 'getsid', 0)]).toEqual([child.pid, child.pid]);
    expect(sys(child, 'setsid')).toBe(-EPERM);
    expect(sys(child, 'setpgid', 0, 0)).toBe(-EPERM);
  });

  test('setpgid: own child before its exec only, within the session, an existing group', () => {
    const { init } = new World();
    const a = job(init);
    const b = fork(init);
    expect(sys(init, 'setpgid', b.pid, a.pid)).toBe(0);
    expect(sys(b, 'getpgrp')).toBe(a.pid);
    expect(sys(init, 'setpgid', b.pid, 999)).toBe(-EPERM);
    expect(sys(b, 'setpgid', a.pid, 0)).toBe(-ESRCH);
    b.group.didExec = true;
    expect(sys(init, 'setpgid', b.pid, 0)).toBe(-EACCES);
    sys(init, 'kill', -a.pid, SIGTERM);
    expect([a.state, b.state]).toEqual([TASK_DEAD, TASK_DEAD]);
  });

  test("a group's number is not given out while the group lives", () => {
    const { init, ns } = new World();
    const leader = job(init);
    const member = fork(leader);
    exit(leader, 0);
    wait(init);
    ns.pid.lastPid = leader.pid - 1;
    expect(fork(init).pid).not.toBe(leader.pid);
    expect(sys(member, 'getpgrp')).toBe(leader.pid);
  });
});

describe('stopping', () => {
  test('all threads park, the parent hears once, SIGCONT lets them go on', () => {
    const { init } = new World();
    const leader = job(init);
    const thread = clone(leader, THREAD);
    block(thread, 'pause');
    sys(init, 'kill', leader.pid, SIGSTOP);
    expect(threadOf(leader).trap()).toBeNull();
    expect([leader.state, thread.state]).toEqual([TASK_STOPPED, TASK_STOPPED]);
    expect(wait(init, -1, WUNTRACED)).toEqual([leader.pid, (SIGSTOP << 8) | 0x7f]);
    expect(sys(init, 'wait4', -1, 0, WUNTRACED | WNOHANG, 0)).toBe(0);
    sys(init, 'kill', leader.pid, SIGCONT);
    expect(threadOf(leader).reply()).toMatchObject({ kind: 'continue' });
    expect(threadOf(thread).reply()).toBeNull();
    expect(wait(init, -1, WCONTINUED)).toEqual([leader.pid, 0xffff]);
    expect(leader.state).toBe(TASK_RUNNING);
  });

  test('waitid tells stop and continue apart', () => {
    const { init } = new World();
    const child = job(init);
    block(child, 'pause');
    const codes: number[] = [];
    for (const signo of [SIGTSTP, SIGCONT]) {
      sys(init, 'kill', child.pid, signo);
      sys(init, 'waitid', 0, 0, A, WUNTRACED | WCONTINUED, 0);
      codes.push(threadOf(init).int(A + 8), threadOf(init).int(A + 24));
    }
    expect(codes).toEqual([CLD_STOPPED, SIGTSTP, CLD_CONTINUED, SIGCONT]);
  });

  test("SIGTSTP does nothing to an orphaned group's member, SIGSTOP stops it", () => {
    const { init } = new World();
    const child = fork(init);
    sys(child, 'setsid');
    block(child, 'pause');
    sys(init, 'kill', child.pid, SIGTSTP);
    expect(child.group.stopped).toBe(false);
    sys(init, 'kill', child.pid, SIGSTOP);
    expect(child.state).toBe(TASK_STOPPED);
  });

  test('SIGKILL ends a stopped process; SIGCONT discards a pending stop', () => {
    const { init } = new World();
    const a = job(init);
    block(a, 'pause');
    sys(init, 'kill', a.pid, SIGSTOP);
    sys(init, 'kill', a.pid, SIGKILL);
    expect(wait(init)).toEqual([a.pid, SIGKILL]);
    const b = job(init);
    sys(init, 'kill', b.pid, SIGTSTP);
    sys(init, 'kill', b.pid, SIGCONT);
    expect(threadOf(b).trap()).toMatchObject({ kind: 'continue' });
    expect(b.group.stopped).toBe(false);
  });

  test('a sleeper that was stopped goes on; a wait for signals ends with EINTR', () => {
    const w = new World();
    const child = job(w.init);
    const t = threadOf(child);
    for (let i = 0; i < 24; i += 4) t.setInt(A + i, 0);
    t.setInt(A + 8, 1);
    block(child, 'rt_sigtimedwait', A + 16, 0, A + 8, 8);
    sys(w.init, 'kill', child.pid, SIGSTOP);
    sys(w.init, 'kill', child.pid, SIGCONT);
    expect(t.reply()).toMatchObject({ kind: 'return', value: -EINTR });
    block(child, 'nanosleep', A + 8, 0);
    sys(w.init, 'kill', child.pid, SIGSTOP);
    sys(w.init, 'kill', child.pid, SIGCONT);
    expect(t.reply()).toBeNull();
    w.advance(2e9);
    expect(t.reply()).toMatchObject({ kind: 'return', value: 0 });
  });

  test('stopped orphans get SIGHUP and SIGCONT when their last link goes', () => {
    const { init } = new World();
    const shell = fork(init);
    sys(shell, 'setsid');
    const child = job(shell);
    block(child, 'pause');
    sys(shell, 'kill', child.pid, SIGSTOP);
    expect(child.state).toBe(TASK_STOPPED);
    exit(shell, 0);
    expect(child.state).toBe(TASK_DEAD);
    expect(child.group.exitStatus).toBe(SIGHUP);
  });
});
