// config.json's linux.seccomp against runc: every action and operator, and what a call then answers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS } from '../support/rootfs.ts';
import { canRun } from '../support/sandbox.ts';
import { ConfigFixture } from './config-fixture.ts';

/** Calls that no program needs to start: getpriority(2), x86_64 and arm64. */
const GETPRIORITY = process.arch === 'arm64' ? 141 : 140;
const SOCKET = process.arch === 'arm64' ? 198 : 41;
const LAST = 1000;

const call = (nr: number, ...args: (number | string)[]): string => `/probe syscall ${nr} ${args.join(' ')}`;

describe.skipIf(!canRun)('config.json: linux.seccomp', { timeout: 600_000 }, () => {
  let fixture: ConfigFixture;
  beforeAll(() => {
    fixture = new ConfigFixture();
  }, MAKING_MS);
  afterAll(() => fixture.remove());

  const policy = (
    rules: object[],
    defaults: object = { defaultAction: 'SCMP_ACT_ALLOW' },
  ): Record<string, unknown> => ({
    seccomp: { architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'], ...defaults, syscalls: rules },
  });

  test.each([
    ['SCMP_ACT_ALLOW', {}],
    ['SCMP_ACT_ERRNO', {}],
    ['SCMP_ACT_ERRNO', { errnoRet: 38 }],
    ['SCMP_ACT_ERRNO', { errnoRet: 0 }],
    ['SCMP_ACT_TRACE', {}],
    ['SCMP_ACT_TRACE', { errnoRet: 7 }],
    ['SCMP_ACT_TRAP', {}],
    ['SCMP_ACT_LOG', {}],
    ['SCMP_ACT_KILL', {}],
    ['SCMP_ACT_KILL_THREAD', {}],
    ['SCMP_ACT_KILL_PROCESS', {}],
  ])('action %s %j', async (action, more) => {
    const { stdout } = await fixture.same({
      script: `${call(GETPRIORITY, 0, 0)}; ${call(SOCKET, 1, 1)}`,
      linux: policy([{ names: ['getpriority'], action, ...more }]),
    });
    expect(stdout.split('\n')).toContain('result ok errno 0');
  });

  test.runIf(process.arch === 'x64')('a call of another architecture is a bad call', async () => {
    // runc's policy kills for it; here there are no such calls whatever the policy says.
    const one = {
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        architectures: ['SCMP_ARCH_X86_64'],
        syscalls: [{ names: ['getpriority'], action: 'SCMP_ACT_ERRNO' }],
      },
    };
    const child = await fixture.same({ script: '/probe foreign; echo $?; :', linux: one });
    expect(child.stdout).toMatch(/^159$/m);
    expect((await fixture.same({ script: 'exec /probe foreign', linux: one })).status).toBe(159);
    expect((await fixture.ours({ script: 'exec /probe foreign' })).status).toBe(159);
    // As where the kernel has no x32 calls: getpid(2) among them.
    const { stdout } = await fixture.same({ script: call(0x40000000 + 39) });
    expect(stdout).toContain('errno 38');
  });

  test.each(['NE', 'LT', 'LE', 'EQ', 'GE', 'GT'])('operator SCMP_CMP_%s', async (name) => {
    const rule = {
      names: ['getpriority'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 99,
      args: [{ index: 1, value: 1000, op: `SCMP_CMP_${name}` }],
    };
    const values = [0, 999, 1000, 1001, '0x100000000', '0x1000003e8', '0xffffffffffffffff'];
    const script = values.map((value) => call(GETPRIORITY, 0, value)).join('\n');
    const { stdout } = await fixture.same({ script, linux: policy([rule]) });
    expect(stdout).toContain('errno 99');
  });

  test('operator SCMP_CMP_MASKED_EQ', async () => {
    const rule = {
      names: ['getpriority'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 99,
      args: [{ index: 1, value: 0xf0, valueTwo: 0x30, op: 'SCMP_CMP_MASKED_EQ' }],
    };
    const script = [0x30, 0x3f, 0x130, 0x40, 0, '0x100000030'].map((value) => call(GETPRIORITY, 0, value));
    const { stdout } = await fixture.same({ script: script.join('\n'), linux: policy([rule]) });
    expect(stdout).toContain('errno 99');
  });

  test('conditions on several arguments must all hold; two on one argument are alternatives', async () => {
    const is = (index: number, value: number): object => ({ index, value, op: 'SCMP_CMP_EQ' });
    const rule = (args: object[]): object => ({
      names: ['getpriority'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: 99,
      args,
    });
    const cases = [
      [0, 0, 500],
      [0, 500, 0],
      [0, 500, 500],
      [0, 600, 500],
      [0, 500, 600],
    ];
    const script = cases.map((args) => call(GETPRIORITY, ...args)).join('\n');
    await fixture.same({ script, linux: policy([rule([is(1, 500), is(2, 500)])]) });
    await fixture.same({ script, linux: policy([rule([is(1, 500), is(1, 600)])]) });
  });

  test('several rules for one call', async () => {
    const rules = [
      {
        names: ['getpriority'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 50,
        args: [{ index: 1, value: 1, op: 'SCMP_CMP_EQ' }],
      },
      {
        names: ['getpriority'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 51,
        args: [{ index: 1, value: 2, op: 'SCMP_CMP_EQ' }],
      },
    ];
    const script = [0, 1, 2].map((value) => call(GETPRIORITY, 0, value)).join('\n');
    const { stdout } = await fixture.same({ script, linux: policy(rules) });
    expect(stdout).toMatch(/errno 50\n.*errno 51/);
  });

  test('a default of ERRNO: its errno, calls that are newer than the policy, names that do not exist', async () => {
    const allowed = { names: [...USED, 'no_such_call'], action: 'SCMP_ACT_ALLOW' };
    const script = [GETPRIORITY, SOCKET, LAST].map((nr) => call(nr, 0, 0)).join('\n');
    for (const defaults of [
      { defaultAction: 'SCMP_ACT_ERRNO' },
      { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 77 },
    ]) {
      await fixture.same({ script, linux: policy([allowed], defaults) });
    }
  });

  test('the policy is in force for everybody, with what /proc says of it', async () => {
    const { stdout } = await fixture.same({
      script: `grep -E '^Seccomp:' /proc/self/status; sh -c "sh -c '${call(GETPRIORITY, 0, 0)}'"`,
      linux: policy([{ names: ['getpriority'], action: 'SCMP_ACT_ERRNO', errnoRet: 5 }]),
    });
    expect(stdout).toMatch(/Seccomp:\s2\nresult -1 errno 5\n/);
  });

  test('a listener is refused, by name', async () => {
    const { status, stderr } = await fixture.ours({
      script: 'echo ran',
      linux: {
        seccomp: {
          defaultAction: 'SCMP_ACT_ALLOW',
          listenerPath: '/run/listener.sock',
          syscalls: [{ names: ['getpriority'], action: 'SCMP_ACT_NOTIFY' }],
        },
      },
    });
    expect(status).toBe(1);
    expect(stderr).toContain('SCMP_ACT_NOTIFY');
  });

  test.each([
    [{ defaultAction: 'SCMP_ACT_NONE' }, 'linux.seccomp.defaultAction'],
    [
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read'], action: 'NO' }] },
      'linux.seccomp.syscalls[0].action',
    ],
    [
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 0, op: 'IS' }] }],
      },
      'linux.seccomp.syscalls[0].args[0].op',
    ],
  ])('%j is refused', async (seccomp, field) => {
    const { status, stderr } = await fixture.ours({ script: ':', linux: { seccomp } });
    expect(status).toBe(1);
    expect(stderr).toContain(field);
  });
});

/** What a shell and the probe call, and a little more; none of those that are probed. */
const USED = [
  'access arch_prctl brk clone clone3 close dup dup2 dup3 execve exit exit_group fcntl fstat futex getcwd getegid',
  'geteuid getgid getpgid getpgrp getpid getppid getrandom gettid getuid ioctl kill lseek mmap mprotect mremap munmap',
  'newfstatat open openat pipe pipe2 poll ppoll pread64 prlimit64 read readlink readlinkat readv restart_syscall rseq',
  'rt_sigaction rt_sigprocmask rt_sigreturn sched_getaffinity set_robust_list set_tid_address setpgid setuid setgid',
  'sigaltstack stat statfs statx sysinfo tgkill time umask uname vfork wait4 waitid write writev capget capset prctl',
  'setgroups fchdir chdir getdents64 epoll_ctl epoll_pwait epoll_create1 nanosleep clock_gettime madvise faccessat2',
  'fstatfs statfs mount umount2 keyctl openat2 unlinkat mkdirat symlinkat mknodat fchown fchmod chroot pivot_root',
]
  .join(' ')
  .split(' ');
