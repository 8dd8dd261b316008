/** Classic BPF: what the checker refuses and the interpreter computes; the container's policy table. */
import { describe, expect, test } from 'vitest';
import { ENOSYS, EPERM } from '../../../sentry/abi/errno.ts';
import { SIGSYS } from '../../../sentry/abi/signal.ts';
import { checkProgram, runProgram } from '../../../sentry/kernel/seccomp-bpf.ts';
import { RET_ALLOW, RET_ERRNO, RET_KILL_PROCESS } from '../../../sentry/kernel/seccomp.ts';
import { SeccompPolicy } from '../../../sentry/kernel/seccomp-policy.ts';
import type { ArgCondition } from '../../../sentry/kernel/seccomp-policy.ts';
import { TASK_DEAD } from '../../../sentry/kernel/task.ts';
import { World, fork, nr, sys, threadOf } from './world.ts';

const LD_ABS = 0x20;
const JEQ = 0x15;
const RET = 0x06;
const ADD = 0x04;
const DIV_X = 0x3c;
const RET_A = 0x16;

/** [code, jt, jf, k] per instruction. */
function program(...instructions: [number, number, number, number][]): DataView {
  const view = new DataView(new ArrayBuffer(instructions.length * 8));
  instructions.forEach(([code, jt, jf, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, jt);
    view.setUint8(8 * i + 3, jf);
    view.setUint32(8 * i + 4, k, true);
  });
  return view;
}

describe('the checker', () => {
  test('takes a filter as libseccomp writes it', () => {
    expect(checkProgram(program([LD_ABS, 0, 0, 0], [JEQ, 0, 1, 5], [RET, 0, 0, 1], [RET, 0, 0, 2]))).toBe(
      true,
    );
  });
  test.each([
    ['no return at the end', program([LD_ABS, 0, 0, 0])],
    ['a jump past the end', program([JEQ, 1, 0, 5], [RET, 0, 0, 1])],
    ['a load past seccomp_data', program([LD_ABS, 0, 0, 64], [RET, 0, 0, 1])],
    ['an unaligned load', program([LD_ABS, 0, 0, 2], [RET, 0, 0, 1])],
    ['a packet load', program([0x28, 0, 0, 0], [RET, 0, 0, 1])],
    ['a scratch word beyond 15', program([0x60, 0, 0, 16], [RET, 0, 0, 1])],
    ['a division by constant zero', program([0x34, 0, 0, 0], [RET, 0, 0, 1])],
    ['an unknown code', program([0xff, 0, 0, 0], [RET, 0, 0, 1])],
  ])('refuses %s', (_what, bad) => {
    expect(checkProgram(bad)).toBe(false);
  });
});

describe('the interpreter', () => {
  const data = new Uint32Array(16);
  test('branches on the number', () => {
    const filter = program([LD_ABS, 0, 0, 0], [JEQ, 0, 1, 5], [RET, 0, 0, 1], [RET, 0, 0, 2]);
    data[0] = 5;
    expect(runProgram(filter, data)).toBe(1);
    data[0] = 6;
    expect(runProgram(filter, data)).toBe(2);
  });
  test('wraps at 32 bits and ends a division by zero with 0', () => {
    data[0] = 0xffffffff;
    expect(runProgram(program([LD_ABS, 0, 0, 0], [ADD, 0, 0, 3], [RET_A, 0, 0, 0]), data)).toBe(2);
    expect(runProgram(program([LD_ABS, 0, 0, 0], [DIV_X, 0, 0, 0], [RET, 0, 0, 7]), data)).toBe(0);
  });
});

describe('the policy', () => {
  const eq = (index: number, value: number): ArgCondition => ({
    index,
    op: 'eq',
    lo: value % 4294967296,
    hi: Math.floor(value / 4294967296),
    dataLo: 0,
    dataHi: 0,
  });

  test('answers by table, by argument, by default, and ENOSYS for what its author did not know', () => {
    const { init } = new World();
    const allowed = [nr('getppid'), nr('getpid')];
    const last = Math.max(...allowed, nr('getpgid'), nr('getuid'));
    init.seccomp = new SeccompPolicy(RET_ERRNO | EPERM, [
      { numbers: allowed, verdict: RET_ALLOW, conditions: [] },
      { numbers: [nr('getpgid')], verdict: RET_ALLOW, conditions: [eq(0, 0)] },
      { numbers: [nr('getuid')], verdict: RET_ERRNO | 77, conditions: [] },
    ]);
    expect(sys(init, 'getppid')).toBe(0);
    expect(sys(init, 'getpgid', 0)).toBe(1);
    expect(sys(init, 'getpgid', 1)).toBe(-EPERM);
    expect(sys(init, 'getpgid', 4294967296)).toBe(-EPERM);
    expect(sys(init, 'getuid')).toBe(-77);
    expect(threadOf(init).call(last + 1)).toMatchObject({ value: -ENOSYS });
  });

  test('is inherited, and kills', () => {
    const w = new World();
    w.init.seccomp = new SeccompPolicy(RET_ALLOW, [
      { numbers: [nr('getuid')], verdict: RET_KILL_PROCESS, conditions: [] },
    ]);
    const child = fork(w.init);
    threadOf(child).call(nr('getuid'));
    expect([child.state, child.group.exitStatus]).toEqual([TASK_DEAD, SIGSYS]);
  });
});
