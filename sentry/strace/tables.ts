/** Names of flags and constants as strace prints them, taken from the ABI's own constants. */
import * as capabilityNames from '../abi/capability.ts';
import * as clone from '../abi/clone.ts';
import * as epoll from '../abi/epoll.ts';
import * as fcntl from '../abi/fcntl.ts';
import * as inet from '../abi/inet.ts';
import * as inotify from '../abi/inotify.ts';
import * as ioctl from '../abi/ioctl.ts';
import * as ipc from '../abi/ipc.ts';
import * as mman from '../abi/mman.ts';
import * as mount from '../abi/mount.ts';
import * as netlink from '../abi/netlink.ts';
import * as poll from '../abi/poll.ts';
import * as prctl from '../abi/prctl.ts';
import * as resource from '../abi/resource.ts';
import * as sched from '../abi/sched.ts';
import * as signal from '../abi/signal.ts';
import * as socket from '../abi/socket.ts';
import * as termios from '../abi/termios.ts';
import * as wait from '../abi/wait.ts';
import * as xattr from '../abi/xattr.ts';
import * as notify from '../vfs/notify.ts';

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
function enumOf(module: Constants, pattern: RegExp, except?: RegExp): Map<number, string> {
  const map = new Map<number, string>();
  for (const [value, name] of named(module, pattern, except)) if (!map.has(value)) map.set(value, name);
  return map;
}
/** "NAME NAME …", each worth one more than the one before, from `first`. */
function counted(first: number, names: string): Map<number, string> {
  return new Map(names.split(' ').map((name, i) => [first + i, name]));
}
/** "NAME NAME …", one bit each from bit 0. */
function bitsOf(names: string): [number, string][] {
  return names.split(' ').map((name, i) => [(1 << i) >>> 0, name]);
}

const MEMBARRIER = bitsOf(
  'MEMBARRIER_CMD_GLOBAL MEMBARRIER_CMD_GLOBAL_EXPEDITED MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED ' +
    'MEMBARRIER_CMD_PRIVATE_EXPEDITED MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED ' +
    'MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE ' +
    'MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ',
);

/** Made when the first call is shown: a start without --strace would spend a tenth of its time on them. */
function onFirstUse<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

export const flagTables = onFirstUse((): ReadonlyMap<string, FlagTable> => {
  const AT: FlagTable = {
    bits: flagsOf(fcntl, /^AT_/, /^AT_(FDCWD|REMOVEDIR|EACCESS|HANDLE_FID|STATX_SYNC_TYPE)$/),
  };
  const WAIT: [number, string][] = [
    [wait.WNOHANG, 'WNOHANG'],
    [wait.WEXITED, 'WEXITED'],
    [wait.WSTOPPED, 'WSTOPPED'],
    ...flagsOf(wait, /^(WCONTINUED|WNOWAIT|__W.*)$/),
  ];
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
      faccessat: { bits: [...AT.bits, [fcntl.AT_EACCESS, 'AT_EACCESS'] as const] },
      fd: { bits: [[1, 'FD_CLOEXEC']] },
      resolve: {
        bits: bitsOf(
          'RESOLVE_NO_XDEV RESOLVE_NO_MAGICLINKS RESOLVE_NO_SYMLINKS RESOLVE_BENEATH RESOLVE_IN_ROOT RESOLVE_CACHED',
        ),
      },
      seals: {
        bits: bitsOf('F_SEAL_SEAL F_SEAL_SHRINK F_SEAL_GROW F_SEAL_WRITE F_SEAL_FUTURE_WRITE F_SEAL_EXEC'),
      },
      semop: {
        bits: [
          [ipc.SEM_UNDO, 'SEM_UNDO'],
          [ipc.IPC_NOWAIT, 'IPC_NOWAIT'],
        ],
      },
      statfs: {
        bits: [
          [0x20, 'ST_VALID'],
          ...bitsOf('ST_RDONLY ST_NOSUID ST_NODEV ST_NOEXEC ST_SYNCHRONOUS'),
          ...bitsOf('ST_MANDLOCK ST_WRITE ST_APPEND ST_IMMUTABLE ST_NOATIME ST_NODIRATIME ST_RELATIME').map(
            ([bit, name]): [number, string] => [bit << 6, name],
          ),
          [0x2000, 'ST_NOSYMFOLLOW'],
        ],
      },
      membarrier: { bits: MEMBARRIER },
      c_iflag: {
        bits: flagsOf(
          termios,
          /^(IGN(BRK|PAR|CR)|BRKINT|PARMRK|INPCK|ISTRIP|INLCR|ICRNL|IUCLC|IX(ON|ANY|OFF)|IMAXBEL|IUTF8)$/,
        ),
      },
      c_oflag: { bits: flagsOf(termios, /^(OPOST|OLCUC|ONLCR|OCRNL|ONOCR|ONLRET|XTABS)$/) },
      c_cflag: {
        bits: [
          ...bitsOf('CSTOPB CREAD PARENB PARODD HUPCL CLOCAL').map(([bit, name]): [number, string] => [
            bit << 6,
            name,
          ]),
          [0o20000000000, 'CRTSCTS'],
        ],
        field: {
          mask: termios.CSIZE,
          names: new Map(['CS5', 'CS6', 'CS7', 'CS8'].map((name, i) => [i << 4, name])),
        },
      },
      c_lflag: {
        bits: [
          ...flagsOf(termios, /^(ISIG|ICANON|ECHO(E|K|NL)?|NOFLSH|IEXTEN)$/),
          ...flagsOf(termios, /^(ECHO(CTL|PRT|KE)|TOSTOP|FLUSHO|PENDIN|EXTPROC)$/),
        ],
      },
      baud: {
        bits: [],
        field: {
          mask: termios.CBAUD,
          names: new Map([
            ...'B0 B50 B75 B110 B134 B150 B200 B300 B600 B1200 B1800 B2400 B4800 B9600 B19200 B38400'
              .split(' ')
              .map((name, i): [number, string] => [i, name]),
            ...'B57600 B115200 B230400 B460800 B500000 B576000 B921600 B1000000 B1152000 B1500000 B2000000'
              .split(' ')
              .map((name, i): [number, string] => [0o10001 + i, name]),
          ]),
        },
      },
      fallocate: { bits: flagsOf(fcntl, /^FALLOC_FL_/) },
      flock: { bits: flagsOf(fcntl, /^LOCK_/) },
      get_mempolicy: { bits: flagsOf(mman, /^MPOL_F_(NODE|ADDR|MEMS_ALLOWED)$/) },
      inotify: {
        bits: [
          ...flagsOf(notify, /^IN_(?!IGNORED)/, /^IN_(EXCL_UNLINK|ISDIR)$/),
          ...flagsOf(inotify, /^IN_/, /^IN_(ALL_EVENTS|IGNORED)$/),
        ],
      },
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
      msync: {
        bits: [
          [mman.MS_SYNC, 'MS_SYNC'],
          [mman.MS_ASYNC, 'MS_ASYNC'],
          [mman.MS_INVALIDATE, 'MS_INVALIDATE'],
        ],
      },
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
      wait: { bits: WAIT },
      waitid_options: { bits: WAIT },
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
        cap: enumOf(capabilityNames, /^CAP_/, /^CAP_LAST_CAP$/),
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
        membarrier: new Map(MEMBARRIER).set(0, 'MEMBARRIER_CMD_QUERY'),
        cap_version: new Map([
          [0x19980330, '_LINUX_CAPABILITY_VERSION_1'],
          [0x20071026, '_LINUX_CAPABILITY_VERSION_2'],
          [0x20080522, '_LINUX_CAPABILITY_VERSION_3'],
        ]),
        fs_magic: new Map([
          [0x9fa0, 'PROC_SUPER_MAGIC'],
          [0x1021994, 'TMPFS_MAGIC'],
          [0x1cd1, 'DEVPTS_SUPER_MAGIC'],
          [0x62656572, 'SYSFS_MAGIC'],
          [0x794c7630, 'OVERLAYFS_SUPER_MAGIC'],
          [0xef53, 'EXT2_SUPER_MAGIC'],
          [0x58465342, 'XFS_SUPER_MAGIC'],
          [0x9123683e, 'BTRFS_SUPER_MAGIC'],
          [0x27e0eb, 'CGROUP_SUPER_MAGIC'],
          [0x63677270, 'CGROUP2_SUPER_MAGIC'],
          [0x50495045, 'PIPEFS_MAGIC'],
        ]),
        lock: counted(0, 'F_RDLCK F_WRLCK F_UNLCK'),
        sigev: counted(0, 'SIGEV_SIGNAL SIGEV_NONE SIGEV_THREAD').set(4, 'SIGEV_THREAD_ID'),
        statx_sync: new Map([
          [0, 'AT_STATX_SYNC_AS_STAT'],
          [0x2000, 'AT_STATX_FORCE_SYNC'],
          [0x4000, 'AT_STATX_DONT_SYNC'],
        ]),
        prctl_ambient: enumOf(prctl, /^PR_CAP_AMBIENT_/),
        ip_protocol: enumOf(inet, /^IPPROTO_/, /^IPPROTO_MAX$/).set(132, 'IPPROTO_SCTP'),
        netlink_protocol: enumOf(netlink, /^NETLINK_/),
        sol: new Map([
          [0, 'SOL_IP'],
          [1, 'SOL_SOCKET'],
          [6, 'SOL_TCP'],
          [17, 'SOL_UDP'],
          [41, 'SOL_IPV6'],
          [58, 'SOL_ICMPV6'],
          [255, 'SOL_RAW'],
          [263, 'SOL_PACKET'],
          [270, 'SOL_NETLINK'],
        ]),
        scm: enumOf(socket, /^SCM_(RIGHTS|CREDENTIALS|PIDFD)$/),
        so: new Map(
          [...enumOf(socket, /^SO_/)].map(([value, name]) => [
            value,
            /^SO_((RCV|SND)TIMEO|TIMESTAMP(NS|ING)?)$/.test(name) ? `${name}_OLD` : name,
          ]),
        ),
        ip_option: enumOf(inet, /^(IP|MCAST)_/, /_SIZE$/),
        ipv6_option: enumOf(inet, /^IPV6_/),
        tcp_option: enumOf(inet, /^TCP_/),
        udp_option: enumOf(inet, /^UDP_/),
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

/** What strace says of a constant that has no name, beside the number. */
const UNKNOWN = new Map([
  ['af', 'AF_???'],
  ['arch_prctl', 'ARCH_???'],
  ['clockid', 'CLOCK_???'],
  ['epoll_ctl', 'EPOLL_CTL_???'],
  ['fcntl', 'F_???'],
  ['madvise', 'MADV_???'],
  ['prctl', 'PR_???'],
  ['rlimit', 'RLIMIT_???'],
  ['seek', 'SEEK_???'],
  ['shut', 'SHUT_???'],
  ['sigprocmask', 'SIG_???'],
]);
const IOC_DIRECTIONS = ['_IOC_NONE', '_IOC_WRITE', '_IOC_READ', '_IOC_READ|_IOC_WRITE'];

/** One constant by table name, in hex when it has no name. */
export function showConst(table: string, value: number): string {
  const names = constTables().get(table);
  const name = names?.get(value) ?? names?.get(value >>> 0);
  if (name !== undefined) return name;
  if (table === 'ioctl') return ioctlRequest(value >>> 0);
  const unknown = UNKNOWN.get(table);
  if (unknown !== undefined) return `${hex(value)} /* ${unknown} */`;
  return value < 10 ? String(value) : hex(value);
}

function ioctlRequest(request: number): string {
  const part = (shift: number, bits: number): string => hex((request >>> shift) & ((1 << bits) - 1));
  return `_IOC(${IOC_DIRECTIONS[request >>> 30]}, ${part(8, 8)}, ${part(0, 8)}, ${part(16, 14)})`;
}

export function capability(value: number): string {
  return constTables().get('cap')!.get(value) ?? `${hex(value)} /* CAP_??? */`;
}

/** "1<<CAP_CHOWN|1<<CAP_KILL". */
export function capabilities(low: number, high: number): string {
  const list: string[] = [];
  for (const [value, name] of constTables().get('cap')!)
    if ((((value < 32 ? low : high) >>> (value & 31)) & 1) !== 0) list.push(`1<<${name}`);
  return list.length === 0 ? '0' : list.join('|');
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
