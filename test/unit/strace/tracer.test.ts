/** Expected lines are those of strace 6.1 for the same calls. */
import { beforeEach, describe, expect, it } from 'vitest';
import { constTables, flagTables, showFlags, showSignal } from '../../../sentry/strace/tables.ts';
import { quote } from '../../../sentry/strace/text.ts';
import { STRUCTS } from '../../../sentry/strace/structs.ts';
import { Tracer } from '../../../sentry/strace/tracer.ts';
import type { Task } from '../../../sentry/kernel/task.ts';
import { rows } from '../../../syscalls/table/index.ts';
import { setArena, u8 } from '../../../platform/arena.ts';

const STAGE = 4096;

/** The part of a task that decoding uses: arguments and memory. */
class FakeTask {
  readonly tid = 7;
  readonly pid = 7;
  readonly name = 'prog';
  readonly kernel = { clock: { monotonicNs: () => 1000 } };
  readonly memory = new Map<number, number>();
  args: number[] = [];

  put(addr: number, bytes: Uint8Array): number {
    bytes.forEach((c, i) => this.memory.set(addr + i, c));
    return addr;
  }
  text(addr: number, text: string): number {
    return this.put(addr, Buffer.from(`${text}\0`, 'latin1'));
  }
  words(addr: number, ...values: number[]): number {
    return this.put(addr, new Uint8Array(Uint32Array.from(values).buffer));
  }
  arg(i: number): number {
    return (this.args[2 * i + 1]! >>> 0) * 4294967296 + (this.args[2 * i]! >>> 0);
  }
  argI64(i: number): number {
    return this.args[2 * i + 1]! * 4294967296 + (this.args[2 * i]! >>> 0);
  }
  argI32(i: number): number {
    return this.args[2 * i]! | 0;
  }
  argU32(i: number): number {
    return this.args[2 * i]! >>> 0;
  }
  copyInTo(addr: number, dst: Uint8Array, offset: number, len: number): number {
    for (let i = 0; i < len; i++) {
      const c = this.memory.get(addr + i);
      if (c === undefined) return -14;
      dst[offset + i] = c;
    }
    return 0;
  }
  copyInString(addr: number): string | number {
    let text = '';
    for (let at = addr; ; at++) {
      const c = this.memory.get(at);
      if (c === undefined) return -14;
      if (c === 0) return text;
      text += String.fromCharCode(c);
    }
  }
  copyOutStaged(_addr: number, _offset: number, _len: number): number {
    return 0;
  }
}

let task: FakeTask;
let lines: string[];
let tracer: Tracer;

function makeTracer(only: string[] = [], json = false): Tracer {
  return new Tracer({ rows, only, json, write: (line) => lines.push(line) });
}

beforeEach(() => {
  setArena(new ArrayBuffer(1 << 16));
  task = new FakeTask();
  lines = [];
  tracer = makeTracer();
});

/** Runs one call; `during` stages results as a handler would. Returns the line without the pid. */
function trace(name: string, args: number[], result: number, during: () => void = () => undefined): string {
  const nr = rows.find((r) => r.name === name)!.number;
  task.args = [];
  for (let i = 0; i < 6; i++) {
    const value = args[i] ?? 0;
    task.args.push(value | 0, Math.floor(value / 4294967296));
  }
  tracer.enter(task as unknown as Task, nr);
  during();
  tracer.exit(task as unknown as Task, nr, result);
  return (lines.at(-1) ?? '').replace(/^7 /, '').replace(/ += /, ' = ').trimEnd();
}

function stage(addr: number, bytes: Uint8Array): void {
  u8.set(bytes, STAGE);
  task.copyOutStaged(addr, STAGE, bytes.length);
}
function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

describe('lines', () => {
  it('name flags, files and errors', () => {
    const path = task.text(0x1000, '/tmp/x');
    expect(trace('openat', [-100, path, 0o2001101, 0o644], 3)).toBe(
      'openat(AT_FDCWD, "/tmp/x", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644) = 3',
    );
    expect(trace('openat', [-100, path, 0], -2)).toBe(
      'openat(AT_FDCWD, "/tmp/x", O_RDONLY) = -1 ENOENT (No such file or directory)',
    );
    expect(trace('mkdir', [path, 0], 0)).toBe('mkdir("/tmp/x", 000) = 0');
    expect(trace('unlinkat', [-100, path, 0x200], 0)).toBe('unlinkat(AT_FDCWD, "/tmp/x", AT_REMOVEDIR) = 0');
    expect(trace('access', [path, 5], 0)).toBe('access("/tmp/x", R_OK|X_OK) = 0');
    expect(trace('access', [path, 0], 0)).toBe('access("/tmp/x", F_OK) = 0');
    expect(trace('mknodat', [-100, path, 0o010600, 0], 0)).toBe(
      'mknodat(AT_FDCWD, "/tmp/x", S_IFIFO|0600) = 0',
    );
    expect(trace('lseek', [3, -3, 1], 41)).toBe('lseek(3, -3, SEEK_CUR) = 41');
    expect(trace('getpid', [], 7)).toBe('getpid() = 7');
  });
  it('pad the result to its column, as strace does', () => {
    trace('close', [3], 0);
    expect(lines.at(-1)).toBe(`7 ${'close(3)'.padEnd(39)} = 0\n`);
  });
  it('quote what is written, cut to 32 bytes', () => {
    const text = 'hello\n\t\x01\x012"q\\ and a long string that is cut';
    task.put(0x2000, Buffer.from(text, 'latin1'));
    expect(trace('write', [3, 0x2000, 44], 44)).toBe(
      'write(3, "hello\\n\\t\\1\\0012\\"q\\\\ and a long string "..., 44) = 44',
    );
    task.text(0x3000, 'ab');
    task.text(0x3010, 'cde');
    task.words(0x3100, 0x3000, 0, 2, 0, 0x3010, 0, 3, 0);
    expect(trace('writev', [3, 0x3100, 2], 5)).toBe(
      'writev(3, [{iov_base="ab", iov_len=2}, {iov_base="cde", iov_len=3}], 2) = 5',
    );
  });
  it('show results that are still on their way to the guest', () => {
    const line = trace('read', [3, 0x4000, 100], 5, () => {
      stage(0x4000, Buffer.from('hello'));
    });
    expect(line).toBe('read(3, "hello", 100) = 5');
    expect(trace('read', [3, 0x4000, 10], -11)).toBe(
      'read(3, 0x4000, 10) = -1 EAGAIN (Resource temporarily unavailable)',
    );
    const pipe = trace('pipe2', [0x4000, 0o2000000], 0, () => {
      stage(0x4000, words(4, 5));
    });
    expect(pipe).toBe('pipe2([4, 5], O_CLOEXEC) = 0');
    const wait = trace('wait4', [-1, 0x4000, 0, 0], 3622, () => {
      stage(0x4000, words(0x300));
    });
    expect(wait).toBe('wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 3622');
    expect(trace('wait4', [-1, 0x4000, 1, 0], -10)).toBe(
      'wait4(-1, 0x4000, WNOHANG, NULL) = -1 ECHILD (No child processes)',
    );
  });
  it('decode signals', () => {
    task.words(0x5000, 0x8499, 0, 0x14000000, 0, 0x5050, 0, 1, 0);
    expect(trace('rt_sigaction', [10, 0x5000, 0, 8], 0)).toBe(
      'rt_sigaction(SIGUSR1, {sa_handler=0x8499, sa_mask=[HUP], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x5050}, NULL, 8) = 0',
    );
    task.words(0x5100, 0x10002, 0);
    expect(trace('rt_sigprocmask', [0, 0x5100, 0, 8], 0)).toBe(
      'rt_sigprocmask(SIG_BLOCK, [INT CHLD], NULL, 8) = 0',
    );
    task.words(0x5100, 0x7ffffdff, 0xfffffffe);
    expect(trace('rt_sigprocmask', [2, 0x5100, 0, 8], 0)).toBe(
      'rt_sigprocmask(SIG_SETMASK, ~[USR1 RTMIN RT_1], NULL, 8) = 0',
    );
    expect(trace('kill', [3621, 0], 0)).toBe('kill(3621, 0) = 0');
  });
  it('decode polling and sockets', () => {
    task.words(0x6000, 5, 5);
    expect(
      trace('poll', [0x6000, 1, 100], 1, () => {
        stage(0x6000, words(5, 0x40005));
      }),
    ).toBe('poll([{fd=5, events=POLLIN|POLLOUT}], 1, 100) = 1 ([{fd=5, revents=POLLOUT}])');
    task.words(0x6000, 4, 1);
    expect(trace('poll', [0x6000, 1, 0], 0)).toBe('poll([{fd=4, events=POLLIN}], 1, 0) = 0 (Timeout)');
    task.put(0x6100, Buffer.from('\x01\x00/tmp/st/sock\0\0\0', 'latin1'));
    expect(trace('connect', [7, 0x6100, 17], -2)).toBe(
      'connect(7, {sa_family=AF_UNIX, sun_path="/tmp/st/sock"}, 17) = -1 ENOENT (No such file or directory)',
    );
    expect(trace('socket', [1, 0o2000001, 0], 7)).toBe('socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 7');
  });
  it('decode memory calls', () => {
    expect(trace('mmap', [0, 8192, 3, 0x22, 4294967296 * 4294967296 - 1, 0], 0x7ff99ee12000)).toMatch(
      /^mmap\(NULL, 8192, PROT_READ\|PROT_WRITE, MAP_PRIVATE\|MAP_ANONYMOUS, -?\d+, 0\) = 0x7ff99ee12000$/,
    );
    expect(trace('mprotect', [0x7ff99ee12000, 4096, 0], 0)).toBe(
      'mprotect(0x7ff99ee12000, 4096, PROT_NONE) = 0',
    );
    expect(trace('brk', [0], 0x560ae4680000)).toBe('brk(NULL) = 0x560ae4680000');
  });
  it('leave out what a call does not use', () => {
    expect(trace('fcntl', [3, 1, 0], 0)).toBe('fcntl(3, F_GETFD) = 0');
    expect(trace('fcntl', [3, 2, 1], 0)).toBe('fcntl(3, F_SETFD, FD_CLOEXEC) = 0');
    expect(trace('fcntl', [3, 3, 0], 0x8002)).toBe('fcntl(3, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)');
    expect(trace('fcntl', [3, 4, 0o6000], 0)).toBe('fcntl(3, F_SETFL, O_RDONLY|O_APPEND|O_NONBLOCK) = 0');
    task.text(0x7000, 'newname');
    task.put(0x7008, new Uint8Array(8));
    expect(trace('prctl', [15, 0x7000], 0)).toBe('prctl(PR_SET_NAME, "newname") = 0');
    expect(trace('prctl', [1, 15], 0)).toBe('prctl(PR_SET_PDEATHSIG, SIGTERM) = 0');
    expect(trace('clone', [0x1200011, 0, 0, 0x7f10, 0], 3622)).toBe(
      'clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f10) = 3622',
    );
  });
  it('show programs with their arguments and a count of the environment', () => {
    task.text(0x8000, '/bin/sh');
    task.text(0x8010, '-c');
    task.words(0x8100, 0x8000, 0, 0x8010, 0, 0, 0);
    task.words(0x8200, 0x8000, 0, 0x8000, 0, 0, 0);
    expect(trace('execve', [0x8000, 0x8100, 0x8200], 0)).toBe(
      'execve("/bin/sh", ["/bin/sh", "-c"], 0x8200 /* 2 vars */) = 0',
    );
  });
  it('end exit_group with a question mark', () => {
    expect(trace('exit_group', [3], 0)).toBe('exit_group(3) = ?');
    expect(lines).toHaveLength(1);
  });
  it('keep an unreadable pointer as an address', () => {
    expect(trace('write', [1, 0xdead0000, 4], -14)).toBe('write(1, 0xdead0000, 4) = -1 EFAULT (Bad address)');
  });
});

describe('filters and forms', () => {
  it('show the named calls only', () => {
    tracer = makeTracer(['close']);
    trace('getpid', [], 7);
    trace('close', [3], 0);
    expect(lines).toHaveLength(1);
  });
  it('write JSON lines', () => {
    tracer = makeTracer([], true);
    trace('close', [9], -9);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      pid: 7,
      tid: 7,
      comm: 'prog',
      syscall: 'close',
      args: ['9'],
      result: -9,
      errno: 'EBADF',
    });
  });
});

describe('tables', () => {
  it('know every name that the syscall table uses', () => {
    const unknown = new Set<string>();
    for (const row of rows) {
      for (const { show } of row.args) {
        const [kind, name] = show.split(':', 2);
        if (kind === 'flags' && !flagTables().has(name!)) unknown.add(show);
        if (kind === 'const' && !constTables().has(name!)) unknown.add(show);
      }
    }
    expect([...unknown]).toEqual([]);
  });
  it('know the structures of all but rare calls', () => {
    const rare = new Set(['mount_attr', 'msghdr', 'sched_attr', 'sigevent', 'sigset_argpack', 'timex']);
    const unknown = new Set<string>();
    for (const row of rows) {
      for (const { show } of row.args) {
        const [kind, name] = show.split(':', 2);
        if (kind === 'struct' && !STRUCTS.has(name!) && !rare.has(name!)) unknown.add(name!);
      }
    }
    expect([...unknown]).toEqual([]);
  });
  it('print unknown bits in hex and no bits as 0', () => {
    expect(showFlags('renameat2', 0)).toBe('0');
    expect(showFlags('renameat2', 0x101)).toBe('RENAME_NOREPLACE|0x100');
    expect(showSignal(40)).toBe('SIGRT_8');
  });
  it('quote as C does', () => {
    expect(quote(Buffer.from('a\x7f\xff0', 'latin1'), 10)).toBe('"a\\177\\3770"');
    expect(quote(Buffer.from('\x01a\x010', 'latin1'), 10)).toBe('"\\1a\\0010"');
    expect(quote(Buffer.from('abc'), 2)).toBe('"ab"...');
  });
});
