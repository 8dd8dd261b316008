/** Names of flags and constants as strace prints them, taken from the ABI's own constants. */
import * as clone from '../abi/clone.ts';
import * as epoll from '../abi/epoll.ts';
import * as fcntl from '../abi/fcntl.ts';
import * as inotify from '../abi/inotify.ts';
import * as ioctl from '../abi/ioctl.ts';
import * as ipc from '../abi/ipc.ts';
import * as mman from '../abi/mman.ts';
import * as mount from '../abi/mount.ts';
import * as poll from '../abi/poll.ts';
import * as prctl from '../abi/prctl.ts';
import * as resource from '../abi/resource.ts';
import * as sched from '../abi/sched.ts';
import * as signal from '../abi/signal.ts';
import * as socket from '../abi/socket.ts';
import * as wait from '../abi/wait.ts';
import * as xattr from '../abi/xattr.ts';

export interface FlagTable {
  /** Printed in this order. */
  readonly bits: readonly (readonly [number, string])[];
  /** What no bit at all is called; "0" when absent. */
  readonly zero?: string;
  /** Bits that form a number of their own, and its names: printed first, or `last`. */
  readonly field?: {
    readonly mask: number;
    readonly names: ReadonlyMap<number, string>;
    readonly last?: true;
  };
}

type Constants = Readonly<Record<string, unknown>>;

/** Every number of a module whose name matches, in the order of the values: a bundle keeps no other. */
function named(module: Constants, pattern: RegExp, except = /^$/): [number, string][] {
  return Object.entries(module)
    .filter(
      (e): e is [string, number] => typeof e[1] === 'number' && pattern.test(e[0]) && !except.test(e[0]),
    )
    .map(([name, value]): [number, string] => [value, name])
    .sort(([a], [b]) => (a >>> 0) - (b >>> 0));
}
/** Flags of several bits come before those they contain. */
function flagsOf(module: Constants, pattern: RegExp, except?: RegExp): [number, string][] {
  const rows = named(module, pattern, except).filter(([value]) => value !== 0);
  const several = (value: number): boolean => (value & (value - 1)) !== 0;
  return [...rows.filter(([v]) => several(v)), ...rows.filter(([v]) => !several(v))];
}
function enumOf(module: Constants, pattern: RegExp, except?: RegExp): ReadonlyMap<number, string> {
  const map = new Map<number, string>();
  for (const [value, name] of named(module, pattern, except)) if (!map.has(value)) map.set(value, name);
  return map;
}
/** "NAME NAME …", each worth one more than the one before, from `first`. */
function counted(first: number, names: string): ReadonlyMap<number, string> {
  return new Map(names.split(' ').map((name, i) => [first + i, name]));
}
/** "NAME NAME …", one bit each from bit 0. */
function bitsOf(names: string): [number, string][] {
  return names.split(' ').map((name, i) => [(1 << i) >>> 0, name]);
}

/** Made when the first call is shown: a start without --strace would spend a tenth of its time on them. */
function onFirstUse<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

export const flagTables = onFirstUse((): ReadonlyMap<string, FlagTable> => {
  const AT: FlagTable = {
    bits: flagsOf(fcntl, /^AT_/, /^AT_(FDCWD|REMOVEDIR|EACCESS|HANDLE_FID|STATX_SYNC_TYPE)$/),
  };
  return new Map(
    Object.entries({
      access: { bits: flagsOf(fcntl, /^[RWX]_OK$/).reverse(), zero: 'F_OK' },
      at: AT,
      linkat: AT,
      unlinkat: { bits: [[fcntl.AT_REMOVEDIR, 'AT_REMOVEDIR']] },
      clone: {
        bits: flagsOf(clone, /^CLONE_/, /(_HI|NAMESPACES|NEWTIME)$/),
        field: {
          mask: clone.CSIGNAL,
          names: enumOf(signal, /^SIG[A-Z0-9]+$/, /^SIG(RTMIN|RTMAX)$/),
          last: true,
        },
      },
      close_range: { bits: flagsOf(fcntl, /^CLOSE_RANGE_/) },
      epoll_create: { bits: [[epoll.EPOLL_CLOEXEC, 'EPOLL_CLOEXEC']] },
      eventfd: {
        bits: [
          [1, 'EFD_SEMAPHORE'],
          [fcntl.O_CLOEXEC, 'EFD_CLOEXEC'],
          [fcntl.O_NONBLOCK, 'EFD_NONBLOCK'],
        ],
      },
      faccessat: { bits: [[fcntl.AT_EACCESS, 'AT_EACCESS'], ...AT.bits] },
      fallocate: { bits: flagsOf(fcntl, /^FALLOC_FL_/) },
      flock: { bits: flagsOf(fcntl, /^LOCK_/) },
      get_mempolicy: { bits: flagsOf(mman, /^MPOL_F_(NODE|ADDR|MEMS_ALLOWED)$/) },
      inotify: { bits: flagsOf(inotify, /^IN_/) },
      inotify_init: {
        bits: [
          [fcntl.O_NONBLOCK, 'IN_NONBLOCK'],
          [fcntl.O_CLOEXEC, 'IN_CLOEXEC'],
        ],
      },
      mbind: { bits: flagsOf(mman, /^MPOL_MF_/) },
      shmat: { bits: flagsOf(ipc, /^SHM_(RDONLY|RND|REMAP|EXEC)$/) },
      semget: { bits: flagsOf(ipc, /^IPC_(CREAT|EXCL)$/) },
      msgget: { bits: flagsOf(ipc, /^IPC_(CREAT|EXCL)$/) },
      msgop: { bits: flagsOf(ipc, /^(IPC_NOWAIT|MSG_(NOERROR|EXCEPT|COPY))$/) },
      shmget: { bits: flagsOf(ipc, /^(IPC_(CREAT|EXCL)|SHM_(HUGETLB|NORESERVE))$/) },
      memfd: { bits: flagsOf(mman, /^MFD_/) },
      mlock2: { bits: flagsOf(mman, /^MLOCK_/) },
      mlockall: { bits: flagsOf(mman, /^MCL_/) },
      mmap: {
        bits: flagsOf(
          mman,
          /^MAP_/,
          /^MAP_(TYPE|SHARED|PRIVATE|SHARED_VALIDATE|DROPPABLE|HUGE_.*|UNINITIALIZED)$/,
        ),
        field: {
          mask: mman.MAP_TYPE,
          names: enumOf(mman, /^MAP_(SHARED|PRIVATE|SHARED_VALIDATE|DROPPABLE)$/),
        },
      },
      mount: { bits: flagsOf(mount, /^MS_/, /^MS_MGC/) },
      move_mount: { bits: flagsOf(mount, /^MOVE_MOUNT_/) },
      mremap: { bits: flagsOf(mman, /^MREMAP_/) },
      msg: { bits: flagsOf(socket, /^MSG_/) },
      msync: { bits: flagsOf(mman, /^MS_/) },
      open: {
        bits: [
          ...flagsOf(fcntl, /^O_/, /^O_(RDONLY|WRONLY|RDWR|ACCMODE|VALID|TMPFILE_BIT|DIRECTORY)$/),
          [fcntl.O_DIRECTORY, 'O_DIRECTORY'],
        ],
        field: { mask: fcntl.O_ACCMODE, names: enumOf(fcntl, /^O_(RDONLY|WRONLY|RDWR|ACCMODE)$/) },
      },
      open_tree: {
        bits: [
          ...flagsOf(mount, /^OPEN_TREE_/),
          ...flagsOf(fcntl, /^AT_(RECURSIVE|EMPTY_PATH|NO_AUTOMOUNT|SYMLINK_NOFOLLOW)$/),
        ],
      },
      pidfd: { bits: flagsOf(clone, /^PIDFD_/) },
      pipe2: { bits: flagsOf(fcntl, /^O_(CLOEXEC|NONBLOCK|DIRECT)$/) },
      poll: { bits: flagsOf(poll, /^POLL/, /SIZE$/) },
      prot: { bits: flagsOf(mman, /^PROT_/), zero: 'PROT_NONE' },
      renameat2: { bits: flagsOf(fcntl, /^RENAME_/) },
      rwf: { bits: flagsOf(fcntl, /^RWF_/) },
      sa_flags: {
        bits: [[signal.SA_RESTORER, 'SA_RESTORER'], ...flagsOf(signal, /^SA_/, /^SA_RESTORER$/)],
      },
      signalfd: {
        bits: [
          [fcntl.O_CLOEXEC, 'SFD_CLOEXEC'],
          [fcntl.O_NONBLOCK, 'SFD_NONBLOCK'],
        ],
      },
      sock_type: {
        bits: flagsOf(socket, /^SOCK_(NONBLOCK|CLOEXEC)$/).reverse(),
        field: {
          mask: socket.SOCK_TYPE_MASK,
          names: enumOf(socket, /^SOCK_(STREAM|DGRAM|RAW|RDM|SEQPACKET)$/),
        },
      },
      splice: { bits: flagsOf(fcntl, /^SPLICE_F_/) },
      statx: {
        bits: [
          [0xfff, 'STATX_ALL'],
          [0x7ff, 'STATX_BASIC_STATS'],
          ...bitsOf(
            'STATX_TYPE STATX_MODE STATX_NLINK STATX_UID STATX_GID STATX_ATIME STATX_MTIME STATX_CTIME STATX_INO ' +
              'STATX_SIZE STATX_BLOCKS STATX_BTIME STATX_MNT_ID STATX_DIOALIGN',
          ),
        ],
      },
      statx_attr: {
        bits: [
          [0x4, 'STATX_ATTR_COMPRESSED'],
          [0x10, 'STATX_ATTR_IMMUTABLE'],
          [0x20, 'STATX_ATTR_APPEND'],
          [0x2000, 'STATX_ATTR_MOUNT_ROOT'],
        ],
      },
      sync_file_range: {
        bits: bitsOf('SYNC_FILE_RANGE_WAIT_BEFORE SYNC_FILE_RANGE_WRITE SYNC_FILE_RANGE_WAIT_AFTER'),
      },
      timer: { bits: [[1, 'TIMER_ABSTIME']] },
      timerfd_create: {
        bits: [
          [fcntl.O_CLOEXEC, 'TFD_CLOEXEC'],
          [fcntl.O_NONBLOCK, 'TFD_NONBLOCK'],
        ],
      },
      timerfd_settime: { bits: bitsOf('TFD_TIMER_ABSTIME TFD_TIMER_CANCEL_ON_SET') },
      umount: { bits: flagsOf(mount, /^(MNT_(FORCE|DETACH|EXPIRE)|UMOUNT_NOFOLLOW)$/) },
      wait: { bits: flagsOf(wait, /^(W|__W)/, /^W(STOPPED|EXITED|NOWAIT)$/) },
      waitid_options: { bits: flagsOf(wait, /^(W|__W)/, /^WUNTRACED$/) },
      xattr: { bits: flagsOf(xattr, /^XATTR_(CREATE|REPLACE)$/) },
      getrandom: { bits: bitsOf('GRND_NONBLOCK GRND_RANDOM GRND_INSECURE') },
      epoll_events: {
        bits: [
          ...flagsOf(poll, /^POLL/, /SIZE$/).map(([v, n]): [number, string] => [v, `E${n}`]),
          ...flagsOf(epoll, /^EPOLL(EXCLUSIVE|WAKEUP|ONESHOT|ET)$/),
        ],
      },
    } satisfies Record<string, FlagTable>),
  );
});

export const constTables = onFirstUse(
  (): ReadonlyMap<string, ReadonlyMap<number, string>> =>
    new Map(
      Object.entries({
        af: enumOf(socket, /^AF_/, /^AF_MAX$/),
        arch_prctl: enumOf(prctl, /^ARCH_/),
        clockid: counted(
          0,
          'CLOCK_REALTIME CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID CLOCK_THREAD_CPUTIME_ID CLOCK_MONOTONIC_RAW ' +
            'CLOCK_REALTIME_COARSE CLOCK_MONOTONIC_COARSE CLOCK_BOOTTIME CLOCK_REALTIME_ALARM CLOCK_BOOTTIME_ALARM ' +
            'CLOCK_SGI_CYCLE CLOCK_TAI',
        ),
        epoll_ctl: enumOf(epoll, /^EPOLL_CTL_/),
        fadvise: counted(
          0,
          'POSIX_FADV_NORMAL POSIX_FADV_RANDOM POSIX_FADV_SEQUENTIAL POSIX_FADV_WILLNEED POSIX_FADV_DONTNEED ' +
            'POSIX_FADV_NOREUSE',
        ),
        fcntl: enumOf(fcntl, /^F_/, /^F_(OWNER_|SEAL_|RDLCK|WRLCK|UNLCK)/),
        ioctl: enumOf(ioctl, /./, /^TIOCINQ$/),
        ioprio: enumOf(sched, /^IOPRIO_WHO_/),
        itimer: counted(0, 'ITIMER_REAL ITIMER_VIRTUAL ITIMER_PROF'),
        kcmp: counted(
          0,
          'KCMP_FILE KCMP_VM KCMP_FILES KCMP_FS KCMP_SIGHAND KCMP_IO KCMP_SYSVSEM KCMP_EPOLL_TFD',
        ),
        madvise: enumOf(mman, /^MADV_/),
        mempolicy: enumOf(mman, /^MPOL_/, /^MPOL_(F|MF)_/),
        prctl: enumOf(prctl, /^PR_/, /^PR_(SET_VMA_ANON_NAME|CAP_AMBIENT_.*)$/),
        priority: enumOf(resource, /^PRIO_/),
        rlimit: enumOf(resource, /^RLIMIT_/),
        rusage: enumOf(resource, /^RUSAGE_/, /SIZE$/),
        sched_policy: enumOf(sched, /^SCHED_/, /^SCHED_(FLAG|RESET|ATTR)/),
        seccomp: counted(0, 'SECCOMP_SET_MODE_STRICT SECCOMP_SET_MODE_FILTER SECCOMP_GET_ACTION_AVAIL'),
        seek: enumOf(fcntl, /^SEEK_/),
        semctl: enumOf(
          ipc,
          /^(IPC_(RMID|SET|STAT|INFO)|GET(PID|VAL|ALL|NCNT|ZCNT)|SET(VAL|ALL)|SEM_(STAT|INFO|STAT_ANY))$/,
        ),
        msgctl: enumOf(ipc, /^(IPC_(RMID|SET|STAT|INFO)|MSG_(STAT|INFO|STAT_ANY))$/),
        shmctl: enumOf(ipc, /^(IPC_(RMID|SET|STAT|INFO)|SHM_(LOCK|UNLOCK|STAT|INFO|STAT_ANY))$/),
        shut: enumOf(socket, /^SHUT_/),
        signal: enumOf(signal, /^SIG[A-Z0-9]+$/, /^SIG(RTMIN|RTMAX)$/),
        sigprocmask: enumOf(signal, /^SIG_(BLOCK|UNBLOCK|SETMASK)$/),
        waitid: enumOf(wait, /^P_/),
        futex: counted(
          0,
          'FUTEX_WAIT FUTEX_WAKE FUTEX_FD FUTEX_REQUEUE FUTEX_CMP_REQUEUE FUTEX_WAKE_OP FUTEX_LOCK_PI ' +
            'FUTEX_UNLOCK_PI FUTEX_TRYLOCK_PI FUTEX_WAIT_BITSET FUTEX_WAKE_BITSET FUTEX_WAIT_REQUEUE_PI ' +
            'FUTEX_CMP_REQUEUE_PI FUTEX_LOCK_PI2',
        ),
        membarrier: new Map(
          bitsOf(
            'MEMBARRIER_CMD_GLOBAL MEMBARRIER_CMD_GLOBAL_EXPEDITED MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED ' +
              'MEMBARRIER_CMD_PRIVATE_EXPEDITED MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED',
          ),
        ).set(0, 'MEMBARRIER_CMD_QUERY'),
        ptrace: counted(
          0,
          'PTRACE_TRACEME PTRACE_PEEKTEXT PTRACE_PEEKDATA PTRACE_PEEKUSER PTRACE_POKETEXT PTRACE_POKEDATA ' +
            'PTRACE_POKEUSER PTRACE_CONT PTRACE_KILL PTRACE_SINGLESTEP',
        ),
      }),
    ),
);

/** Flags by table name: "O_RDONLY|O_CLOEXEC", unknown bits in hex; a number when the table is not known. */
export function showFlags(table: string, value: number): string {
  const known = flagTables().get(table);
  if (known === undefined) return hex(value);
  const parts: string[] = [];
  let left = value >>> 0;
  const { field } = known;
  let fieldText = '';
  if (field !== undefined) {
    const part = left & field.mask;
    fieldText = field.names.get(part) ?? (part === 0 ? '' : hex(part));
    if (fieldText !== '' && field.last !== true) parts.push(fieldText);
    left = (left & ~field.mask) >>> 0;
  }
  for (const [bit, name] of known.bits) {
    if (left === 0) break;
    if ((left & bit) >>> 0 !== bit >>> 0) continue;
    parts.push(name);
    left = (left & ~bit) >>> 0;
  }
  if (left !== 0) parts.push(hex(left));
  if (fieldText !== '' && field?.last === true) parts.push(fieldText);
  return parts.length > 0 ? parts.join('|') : (known.zero ?? '0');
}

/** One constant by table name, in hex when it has no name. */
export function showConst(table: string, value: number): string {
  const name = constTables().get(table)?.get(value);
  if (name !== undefined) return name;
  return table === 'ioctl' ? hex(value >>> 0) : value < 10 ? String(value) : hex(value);
}

export function showSignal(signo: number): string {
  const name = constTables().get('signal')!.get(signo);
  if (name !== undefined) return name;
  if (signo === signal.SIGRTMIN) return 'SIGRTMIN';
  return signo > signal.SIGRTMIN && signo <= signal.SIGRTMAX
    ? `SIGRT_${signo - signal.SIGRTMIN}`
    : String(signo);
}

function hex(value: number): string {
  return value === 0 ? '0' : `0x${(value >>> 0).toString(16)}`;
}
