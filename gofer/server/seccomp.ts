/** What the gofer may ask of the host's kernel once it serves. Numbers for x86_64 and aarch64, hottest first. */
import { addon } from '../../native/addon.ts';

type Row = readonly [x64: number | null, arm64: number | null, why: string];

/** null: the architecture has no such call. */
const calls: readonly Row[] = [
  [262, 79, 'newfstatat: attributes of names'],
  [47, 212, 'recvmsg: requests'],
  [46, 211, 'sendmsg: replies and donated descriptors'],
  [203, 122, 'sched_setaffinity: the processor that the Sentry runs on'],
  [257, 56, 'openat: every step of a path'],
  [3, 57, 'close'],
  [217, 61, 'getdents64: listings'],
  [5, 80, 'fstat: is it still the same object'],
  [72, 25, 'fcntl: duplicates of nameless files'],
  [267, 78, 'readlinkat'],
  [202, 98, 'futex: threads of V8'],
  [258, 34, 'mkdirat'],
  [259, 33, 'mknodat'],
  [266, 36, 'symlinkat'],
  [265, 37, 'linkat'],
  [263, 35, 'unlinkat'],
  [264, 38, 'renameat: renameat2 without flags, as the C library has it'],
  [316, 276, 'renameat2'],
  [260, 54, 'fchownat'],
  [91, 52, 'fchmod'],
  [452, 452, 'fchmodat2: modes of what is not opened'],
  [280, 88, 'utimensat'],
  [77, 46, 'ftruncate'],
  [74, 82, 'fsync'],
  [75, 83, 'fdatasync'],
  [138, 44, 'fstatfs'],
  [193, 10, 'fgetxattr'],
  [190, 7, 'fsetxattr'],
  [196, 13, 'flistxattr'],
  [199, 16, 'fremovexattr'],
  [9, 222, 'mmap: the heap grows, code is compiled'],
  [11, 215, 'munmap: the heap shrinks'],
  [10, 226, 'mprotect: pages of compiled code'],
  [25, 216, 'mremap: realloc'],
  [28, 233, 'madvise: pages given back'],
  [12, 214, 'brk: malloc'],
  [324, 283, 'membarrier: V8 after changes of code'],
  [0, 63, 'read: wake-ups of the event loop'],
  [1, 64, 'write: wake-ups, and the last words of a crash'],
  [20, 66, 'writev: the same'],
  [232, null, 'epoll_wait: the event loop at exit'],
  [281, 22, 'epoll_pwait: the same'],
  [233, 21, 'epoll_ctl: the same'],
  [14, 135, 'rt_sigprocmask: around exits and crashes'],
  [13, 134, 'rt_sigaction: the same'],
  [15, 139, 'rt_sigreturn: handlers of Node'],
  [131, 132, 'sigaltstack: exits of threads'],
  [39, 172, 'getpid'],
  [186, 178, 'gettid'],
  [98, 165, 'getrusage: statistics of the collector'],
  [228, 113, 'clock_gettime: where the vdso cannot'],
  [230, 115, 'clock_nanosleep: back-off of V8 locks'],
  [318, 278, 'getrandom: hash seeds'],
  [219, 128, 'restart_syscall: after a stop signal'],
  [334, 293, 'rseq: threads that are just starting when the filter comes'],
  [273, 99, 'set_robust_list: the same'],
  [60, 93, 'exit: threads'],
  [231, 94, 'exit_group'],
];

/** With --host-uds. */
const connectCalls: readonly Row[] = [
  [41, 198, 'socket: to connect to a unix socket of the host’s'],
  [42, 203, 'connect: the same'],
  [81, 50, 'fchdir: the same, since its address is a short path'],
  [80, 49, 'chdir: back'],
];

/** Locks the process; throws when the host cannot (the container must not start unprotected). */
export function lockDown(hostSockets: boolean): void {
  const column = process.arch === 'arm64' ? 1 : 0;
  const all = hostSockets ? [...calls, ...connectCalls] : calls;
  const numbers = all.map((row) => row[column]).filter((number) => number !== null);
  const result = addon.allowOnly(Int32Array.from(numbers));
  if (result < 0) throw new Error(`gofer: cannot install the seccomp filter: errno ${-result}`);
}
