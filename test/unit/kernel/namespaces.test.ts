/** Containers side by side in one kernel: pid namespaces, names and limits of their own, or shared. */
import { describe, expect, test } from 'vitest';
import { EAGAIN, EINVAL, ENOMEM, ESRCH } from '../../../sentry/abi/errno.ts';
import { SIGKILL, SIGTERM } from '../../../sentry/abi/signal.ts';
import { PidFile } from '../../../sentry/fs/pidfd/pidfd.ts';
import type { Task } from '../../../sentry/kernel/task.ts';
import { killAll } from '../../../sentry/kernel/task-exit.ts';
import { World, clone, exit, fork, makeNamespaces, nr, sys, threadOf } from './world.ts';

const CLONE_VM = 0x100;

/** A second container, which shares what `shared` names with the first. */
function second(w: World, shared: Partial<ReturnType<typeof makeNamespaces>> = {}): Task {
  return w.addInit({ ...makeNamespaces(), ...shared });
}

describe('pid namespaces of their own', () => {
  test('each numbers its processes from 1 and finds only its own', () => {
    const w = new World();
    const init = second(w);
    fork(w.init);
    const child = fork(init);
    expect([sys(init, 'getpid'), sys(child, 'getpid'), sys(child, 'getppid')]).toEqual([1, 2, 1]);
    fork(w.init);
    expect(sys(init, 'kill', 3, 0)).toBe(-ESRCH);
    expect(sys(init, 'kill', -3, 0)).toBe(-ESRCH);
    expect(sys(w.init, 'kill', 3, 0)).toBe(0);
  });

  test('kill(-1) stays inside', () => {
    const w = new World();
    const init = second(w);
    const mine = fork(init);
    const theirs = fork(w.init);
    expect(sys(init, 'kill', -1, SIGKILL)).toBe(0);
    expect([mine.group.zombie, theirs.group.zombie]).toEqual([true, false]);
  });

  test("init's end takes its own with it, and leaves the others alone", () => {
    const w = new World();
    const init = second(w);
    let status = -1;
    init.group.onEnd = (s) => (status = s);
    const child = fork(init);
    const grandchild = fork(child);
    const other = fork(w.init);
    const { ns } = init.group;
    exit(init, 7);
    expect(status).toBe(7 << 8);
    expect([child.group.dead, grandchild.group.dead]).toEqual([true, true]);
    expect(threadOf(grandchild).space.dead).toBe(true);
    expect([ns.pid.taskCount, ns.pid.groups.size, ns.pid.pids.size, ns.cgroup.taskCount]).toEqual([
      0, 0, 0, 0,
    ]);
    expect(w.kernel.pidNamespaces.size).toBe(1);
    expect([w.ended, sys(other, 'getppid')]).toEqual([null, 1]);
  });

  test('processes that share memory go with their init too', () => {
    const w = new World();
    const init = second(w);
    const child = fork(init);
    const sharing = clone(child, CLONE_VM | 17);
    exit(init, 0);
    expect([child.group.dead, sharing.group.dead, threadOf(child).space.dead]).toEqual([true, true, true]);
    expect(init.group.ns.pid.taskCount).toBe(0);
  });

  test('a process that ends its own init is gone when its call is', () => {
    const w = new World();
    const init = second(w);
    const child = fork(init);
    // reboot(2) in a pid namespace: LINUX_REBOOT_CMD_POWER_OFF.
    threadOf(child).call(nr('reboot'), 0xfee1dead | 0, 672274793, 0x4321fedc);
    expect(init.group.exitStatus).toBe(2);
    expect([child.group.dead, init.group.ns.pid.taskCount]).toEqual([true, 0]);
  });

  test('a namespace of one process goes with it', () => {
    const w = new World();
    exit(second(w), 0);
    expect(w.kernel.pidNamespaces.size).toBe(1);
  });

  test('nobody can be made where there is no init any more', () => {
    const w = new World();
    const init = second(w);
    const { ns } = init.group;
    exit(init, 0);
    expect(() => w.addInit(ns)).toThrow(String(-ENOMEM));
  });

  test('a pidfd of another namespace is no way to a process', () => {
    const w = new World();
    const init = second(w);
    const fd = w.init.files.alloc(new PidFile(init.group, null, 0), 0, false);
    expect(sys(w.init, 'pidfd_send_signal', fd, SIGTERM, 0, 0)).toBe(-EINVAL);
    const own = w.init.files.alloc(new PidFile(fork(w.init).group, null, 0), 0, false);
    expect(sys(w.init, 'pidfd_send_signal', own, 0, 0, 0)).toBe(0);
  });
});

describe('a shared pid namespace', () => {
  test("the second container's first process is not init: it can be killed, and its orphans go to init", () => {
    const w = new World();
    const first = second(w, { pid: w.ns.pid });
    expect([sys(first, 'getpid'), sys(first, 'getppid')]).toEqual([2, 0]);
    const child = fork(first);
    expect(sys(w.init, 'kill', 2, SIGKILL)).toBe(0);
    expect(first.group.dead).toBe(true);
    expect(sys(child, 'getppid')).toBe(1);
    expect(w.ended).toBeNull();
  });

  test('a container ends by its group of processes', () => {
    const w = new World();
    const first = second(w, { pid: w.ns.pid });
    const child = fork(first);
    const mine = fork(w.init);
    killAll(w.kernel, first.group.ns.cgroup.groups);
    expect([first.group.dead, child.group.zombie || child.group.dead, mine.group.zombie]).toEqual([
      true,
      true,
      false,
    ]);
    expect(first.group.ns.cgroup.taskCount).toBe(0);
  });
});

describe('limits and names', () => {
  test('the limit of one container does not bind the other', () => {
    const w = new World();
    const init = second(w);
    init.group.ns.cgroup.pidsLimit = 2;
    fork(init);
    expect(threadOf(init).call(nr('clone'), 17)).toMatchObject({ kind: 'return', value: -EAGAIN });
    expect(init.group.ns.cgroup.refusedForks).toBe(1);
    for (let i = 0; i < 5; i++) fork(w.init);
  });

  test('a shared pid namespace does not share the limit', () => {
    const w = new World();
    const first = second(w, { pid: w.ns.pid });
    first.group.ns.cgroup.pidsLimit = 1;
    expect(threadOf(first).call(nr('clone'), 17)).toMatchObject({ kind: 'return', value: -EAGAIN });
    fork(w.init);
  });

  test('host names are of a uts namespace', () => {
    const w = new World();
    const init = second(w);
    const shared = second(w, { uts: w.ns.uts });
    init.group.ns.uts.hostname = 'other';
    expect([w.init, init, shared].map((t) => t.group.ns.uts.hostname)).toEqual(['box', 'other', 'box']);
  });
});
