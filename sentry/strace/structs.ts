/** Structures as strace abbreviates them; each decoder gets at least the size that the call's row states. */
import { SIGEV_THREAD_ID, SI_TKILL, SI_USER } from '../abi/signal.ts';
import { capabilities, showConst, showFlags, showSignal } from './tables.ts';
import { showAddress, showMode } from './text.ts';
import { STAT_GENERIC } from '../abi/stat.ts';

export class Bytes {
  readonly data: Uint8Array;
  private readonly view: DataView;

  constructor(data: Uint8Array) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }
  u16(at: number): number {
    return this.view.getUint16(at, true);
  }
  u32(at: number): number {
    return this.view.getUint32(at, true);
  }
  i32(at: number): number {
    return this.view.getInt32(at, true);
  }
  /** Exact below 2^53. */
  u64(at: number): number {
    return this.u32(at + 4) * 4294967296 + this.u32(at);
  }
  i64(at: number): number {
    return this.i32(at + 4) * 4294967296 + this.u32(at);
  }
}

type Decode = (b: Bytes) => string;

const S_IFMT = 0o170000;
const TYPES = new Map<number, string>([
  [0o140000, 'S_IFSOCK'],
  [0o120000, 'S_IFLNK'],
  [0o100000, 'S_IFREG'],
  [0o060000, 'S_IFBLK'],
  [0o040000, 'S_IFDIR'],
  [0o020000, 'S_IFCHR'],
  [0o010000, 'S_IFIFO'],
]);

/** "S_IFREG|0644" with the set-id and sticky bits by name. */
export function showFileMode(mode: number): string {
  const parts: string[] = [];
  const type = TYPES.get(mode & S_IFMT);
  if (type !== undefined) parts.push(type);
  if ((mode & 0o4000) !== 0) parts.push('S_ISUID');
  if ((mode & 0o2000) !== 0) parts.push('S_ISGID');
  if ((mode & 0o1000) !== 0) parts.push('S_ISVTX');
  parts.push(showMode(mode & 0o777));
  return parts.join('|');
}

export function showDev(dev: number): string {
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  const hex = (n: number): string => (n === 0 ? '0' : `0x${n.toString(16)}`);
  return `makedev(${hex(major)}, ${hex(minor)})`;
}

/** "[HUP INT]", or "~[…]" when more than half are in. */
export function showSigset(lo: number, hi: number): string {
  const names = (want: number): string[] => {
    const list: string[] = [];
    for (let signo = 1; signo <= 64; signo++) {
      const word = signo <= 32 ? lo : hi;
      if (((word >>> ((signo - 1) & 31)) & 1) === want) list.push(showSignal(signo).replace(/^SIG/, ''));
    }
    return list;
  };
  const inside = names(1);
  return inside.length > 32 ? `~[${names(0).join(' ')}]` : `[${inside.join(' ')}]`;
}

function time(b: Bytes, at: number, unit: string): string {
  return `{tv_sec=${b.i64(at)}, tv_${unit}=${unsigned(b, at + 8)}}`;
}

/** Exact to the last digit. */
function unsigned(b: Bytes, at: number): string {
  return ((BigInt(b.u32(at + 4)) << 32n) | BigInt(b.u32(at))).toString();
}

/** The same as a date behind it; `digits` of the second's fraction. */
function moment(b: Bytes, at: number, unit: string, digits: number): string {
  return time(b, at, unit) + date(b.i64(at), b.u32(at + 8), digits);
}

function date(sec: number, fraction: number, digits: number): string {
  const when = new Date(sec * 1000);
  if ((sec === 0 && fraction === 0) || Number.isNaN(when.getTime())) return '';
  const point = fraction === 0 ? '' : `.${String(fraction).padStart(digits, '0')}`;
  return ` /* ${when.toISOString().replace(/\..*$/, '')}${point}+0000 */`;
}

/** "[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]". */
function waitStatus(status: number): string {
  const signo = status & 0x7f;
  if (status === 0xffff) return '[{WIFCONTINUED(s)}]';
  if ((status & 0xff) === 0x7f) {
    return `[{WIFSTOPPED(s) && WSTOPSIG(s) == ${showSignal((status >>> 8) & 0xff)}}]`;
  }
  if (signo === 0) return `[{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >>> 8) & 0xff}}]`;
  const core = (status & 0x80) !== 0 ? ' && WCOREDUMP(s)' : '';
  return `[{WIFSIGNALED(s) && WTERMSIG(s) == ${showSignal(signo)}${core}}]`;
}

function limit(value: number): string {
  if (value >= 18446744073709550000) return 'RLIM64_INFINITY';
  return value > 1024 && value % 1024 === 0 ? `${value / 1024}*1024` : String(value);
}

function cString(data: Uint8Array, at: number, max: number): string {
  const end = data.indexOf(0, at);
  const stop = end < 0 || end > at + max ? at + max : end;
  return `"${Buffer.from(data.subarray(at, stop)).latin1Slice()}"`;
}

function sigaction(b: Bytes): string {
  const handler = b.u64(0);
  const flags = b.u32(8);
  const name = handler === 0 ? 'SIG_DFL' : handler === 1 ? 'SIG_IGN' : showAddress(handler);
  const restorer = (flags & 0x04000000) !== 0 ? `, sa_restorer=${showAddress(b.u64(16))}` : '';
  const mask = showSigset(b.u32(24), b.u32(28));
  return `{sa_handler=${name}, sa_mask=${mask}, sa_flags=${showFlags('sa_flags', flags)}${restorer}}`;
}

const CLD_NAMES = [
  '',
  'CLD_EXITED',
  'CLD_KILLED',
  'CLD_DUMPED',
  'CLD_TRAPPED',
  'CLD_STOPPED',
  'CLD_CONTINUED',
];
const SIGCHLD = 17;
const SI_TIMER = -2;
const SI_KERNEL = 0x80;
const SI_CODES = new Map<number, string>([
  [SI_USER, 'SI_USER'],
  [SI_KERNEL, 'SI_KERNEL'],
  [-1, 'SI_QUEUE'],
  [SI_TIMER, 'SI_TIMER'],
  [-3, 'SI_MESGQ'],
  [-4, 'SI_ASYNCIO'],
  [-5, 'SI_SIGIO'],
  [SI_TKILL, 'SI_TKILL'],
]);
/** si_code names of the signals that carry an address, from 1 on. */
const FAULTS = new Map<number, readonly string[]>([
  [
    4,
    [
      'ILL_ILLOPC',
      'ILL_ILLOPN',
      'ILL_ILLADR',
      'ILL_ILLTRP',
      'ILL_PRVOPC',
      'ILL_PRVREG',
      'ILL_COPROC',
      'ILL_BADSTK',
    ],
  ],
  [7, ['BUS_ADRALN', 'BUS_ADRERR', 'BUS_OBJERR']],
  [
    8,
    [
      'FPE_INTDIV',
      'FPE_INTOVF',
      'FPE_FLTDIV',
      'FPE_FLTOVF',
      'FPE_FLTUND',
      'FPE_FLTRES',
      'FPE_FLTINV',
      'FPE_FLTSUB',
    ],
  ],
  [11, ['SEGV_MAPERR', 'SEGV_ACCERR']],
]);

/** clock_t, with seconds. */
function ticks(value: number): string {
  return value === 0 ? '0' : `${value} /* ${(value / 100).toFixed(2)} s */`;
}

function siginfo(b: Bytes): string {
  const signo = b.i32(0);
  const code = b.i32(8);
  if (signo === 0) return '{}';
  const head = `{si_signo=${showSignal(signo)}, si_code=`;
  const source = `si_pid=${b.i32(16)}, si_uid=${b.u32(20)}`;
  const sender = `, ${source}`;
  if (signo === SIGCHLD && code > 0) {
    const status = code === 1 ? String(b.i32(24)) : showSignal(b.i32(24));
    return `${head}${CLD_NAMES[code] ?? code}${sender}, si_status=${status}, si_utime=${ticks(b.i64(32))}, si_stime=${ticks(b.i64(40))}}`;
  }
  if (FAULTS.has(signo) && code > 0 && code < SI_KERNEL) {
    const name = FAULTS.get(signo)![code - 1] ?? String(code);
    return `${head}${name}, si_addr=${showAddress(b.u64(16))}}`;
  }
  const name = SI_CODES.get(code) ?? String(code);
  const value = b.u64(24) === 0 ? '' : `, ${sigval(b, 24)}`;
  if (code === SI_TIMER)
    return `${head}${name}, si_timerid=${hex(b.u32(16))}, si_overrun=${b.i32(20)}, ${sigval(b, 24)}}`;
  if (code === SI_USER || code === SI_TKILL) return `${head}${name}${sender}}`;
  const known = code < 0 || b.u64(16) !== 0;
  return `${head}${name}${known ? sender : ''}${value}}`;
}

function hex(value: number): string {
  return value === 0 ? '0' : `0x${value.toString(16)}`;
}

function sigval(b: Bytes, at: number): string {
  return `si_int=${b.i32(at)}, si_ptr=${showAddress(b.u64(at))}`;
}

function sigevent(b: Bytes): string {
  const notify = b.i32(12);
  const value = `sigev_value={sival_int=${b.i32(0)}, sival_ptr=${showAddress(b.u64(0))}}`;
  const thread = notify === SIGEV_THREAD_ID ? `, sigev_notify_thread_id=${b.i32(16)}` : '';
  return `{${value}, sigev_signo=${showSignal(b.i32(8))}, sigev_notify=${showConst('sigev', notify)}${thread}}`;
}

function statfs(b: Bytes): string {
  const fields = ['bsize', 'blocks', 'bfree', 'bavail', 'files', 'ffree'].map(
    (name, i) => `f_${name}=${b.u64(8 + 8 * i)}`,
  );
  const id = `f_fsid={val=[${hex(b.u32(56))}, ${hex(b.u32(60))}]}`;
  const flags = showFlags('statfs', b.u32(80));
  return (
    `{f_type=${showConst('fs_magic', b.u32(0))}, ${fields.join(', ')}, ${id}, ` +
    `f_namelen=${b.u64(64)}, f_frsize=${b.u64(72)}, f_flags=${flags}}`
  );
}

/** Two elements of 32 bits each: the low halves and the high ones. */
function capData(b: Bytes): string {
  const set = (at: number): string => capabilities(b.u32(at), b.data.length >= 24 ? b.u32(at + 12) : 0);
  return `{effective=${set(0)}, permitted=${set(4)}, inheritable=${set(8)}}`;
}

function stat(b: Bytes): string {
  const mode = b.u32(STAT_GENERIC ? 16 : 24);
  const kind = mode & S_IFMT;
  const device = kind === 0o020000 || kind === 0o060000;
  const what = device ? `st_rdev=${showDev(b.u64(STAT_GENERIC ? 32 : 40))}` : `st_size=${b.i64(48)}`;
  return `{st_mode=${showFileMode(mode)}, ${what}, ...}`;
}

function statx(b: Bytes): string {
  const mask = showFlags('statx', b.u32(0));
  return `{stx_mask=${mask}, stx_attributes=${showFlags('statx_attr', b.u32(8))}, stx_mode=${showFileMode(b.u16(28))}, stx_size=${b.u64(40)}, ...}`;
}

function stack(b: Bytes): string {
  const flags = b.u32(8);
  const names = new Map([
    [0, '0'],
    [1, 'SS_ONSTACK'],
    [2, 'SS_DISABLE'],
    [0x80000000, 'SS_AUTODISARM'],
  ]);
  return `{ss_sp=${showAddress(b.u64(0))}, ss_flags=${names.get(flags) ?? `0x${flags.toString(16)}`}, ss_size=${b.u64(16)}}`;
}

function uname(b: Bytes): string {
  const field = (i: number): string => cString(b.data, i * 65, 65);
  return `{sysname=${field(0)}, nodename=${field(1)}, ...}`;
}

export const STRUCTS: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['timespec', (b) => time(b, 0, 'nsec')],
  ['timespec[2]', (b) => `[${utime(b, 0)}, ${utime(b, 16)}]`],
  ['timeval', (b) => time(b, 0, 'usec')],
  ['timeval[2]', (b) => `[${moment(b, 0, 'usec', 6)}, ${moment(b, 16, 'usec', 6)}]`],
  ['timezone', (b) => `{tz_minuteswest=${b.i32(0)}, tz_dsttime=${b.i32(4)}}`],
  ['itimerval', (b) => `{it_interval=${time(b, 0, 'usec')}, it_value=${time(b, 16, 'usec')}}`],
  ['itimerspec', (b) => `{it_interval=${time(b, 0, 'nsec')}, it_value=${time(b, 16, 'nsec')}}`],
  [
    'utimbuf',
    (b) => `{actime=${b.i64(0)}${date(b.i64(0), 0, 0)}, modtime=${b.i64(8)}${date(b.i64(8), 0, 0)}}`,
  ],
  ['sigset', (b) => showSigset(b.u32(0), b.u32(4))],
  ['sigaction', sigaction],
  ['siginfo', siginfo],
  ['stack', stack],
  ['stat', stat],
  ['statx', statx],
  ['sigevent', sigevent],
  ['statfs', statfs],
  ['rusage', (b) => `{ru_utime=${time(b, 0, 'usec')}, ru_stime=${time(b, 16, 'usec')}, ...}`],
  ['rlimit', (b) => `{rlim_cur=${limit(b.u64(0))}, rlim_max=${limit(b.u64(8))}}`],
  ['utsname', uname],
  [
    'sysinfo',
    (b) =>
      `{uptime=${b.i64(0)}, loads=[${b.u64(8)}, ${b.u64(16)}, ${b.u64(24)}], totalram=${b.u64(32)}, freeram=${b.u64(40)}, ...}`,
  ],
  [
    'tms',
    (b) => `{tms_utime=${b.i64(0)}, tms_stime=${b.i64(8)}, tms_cutime=${b.i64(16)}, tms_cstime=${b.i64(24)}}`,
  ],
  ['wait_status', (b) => waitStatus(b.u32(0))],
  ['int2', (b) => `[${b.i32(0)}, ${b.i32(4)}]`],
  ['id', (b) => `[${b.u32(0)}]`],
  ['timer_t', (b) => `[${b.i32(0)}]`],
  ['socklen', (b) => `[${b.u32(0)}]`],
  ['loff_t', (b) => `[${b.i64(0)}]`],
  ['sched_param', (b) => `[${b.i32(0)}]`],
  ['cap_header', (b) => `{version=${showConst('cap_version', b.u32(0))}, pid=${b.i32(4)}}`],
  ['cap_data', capData],
  [
    'open_how',
    (b) =>
      `{flags=${showFlags('open', b.u32(0))}${b.u32(8) === 0 ? '' : `, mode=${showMode(b.u32(8))}`}, resolve=${showFlags('resolve', b.u32(16))}}`,
  ],
  ['epoll_event', (b) => epollEvent(b, 0, b.data.length)],
]);

function utime(b: Bytes, at: number): string {
  const nsec = b.u32(at + 8);
  if (nsec === 0x3fffffff) return 'UTIME_NOW';
  return nsec === 0x3ffffffe ? 'UTIME_OMIT' : moment(b, at, 'nsec', 9);
}

/** struct epoll_event is packed on x86_64 (12 bytes) and not on arm64 (16). */
export function epollEvent(b: Bytes, at: number, size: number): string {
  const data = at + (size % 12 === 0 && size % 16 !== 0 ? 4 : 8);
  const value = b.u64(data);
  return `{events=${showFlags('epoll_events', b.u32(at))}, data={u32=${b.u32(data)}, u64=${value}}}`;
}

/** One struct pollfd; `results` shows revents. */
export function pollfd(b: Bytes, at: number, results: boolean): string {
  const events = results
    ? `revents=${showFlags('poll', b.u16(at + 6))}`
    : `events=${showFlags('poll', b.u16(at + 4))}`;
  return `{fd=${b.i32(at)}, ${events}}`;
}

/** struct sockaddr by its family. */
export function sockaddr(b: Bytes): string {
  const length = b.data.length;
  if (length < 2) return '{}';
  const family = b.u16(0);
  const name = showConst('af', family);
  if (name === 'AF_UNIX') return unixAddress(b.data);
  if (name === 'AF_INET' && length >= 8) {
    const address = [...b.data.subarray(4, 8)].join('.');
    return `{sa_family=AF_INET, sin_port=htons(${port(b)}), sin_addr=inet_addr("${address}")}`;
  }
  if (name === 'AF_INET6' && length >= 24) {
    const scope = length >= 28 ? `, sin6_scope_id=${b.u32(24)}` : '';
    const flow = b.data.subarray(4, 8).reduce((all, c) => all * 256 + c, 0);
    return `{sa_family=AF_INET6, sin6_port=htons(${port(b)}), sin6_flowinfo=htonl(${flow}), inet_pton(AF_INET6, "${ipv6(b)}", &sin6_addr)${scope}}`;
  }
  if (name === 'AF_NETLINK' && length >= 12)
    return `{sa_family=AF_NETLINK, nl_pid=${b.i32(4)}, nl_groups=${b.u32(8) === 0 ? '00000000' : hex(b.u32(8))}}`;
  return `{sa_family=${name}, sa_data=...}`;
}

/** The longest row of zeros is left out, as inet_ntop(3) does. */
function ipv6(b: Bytes): string {
  const words = Array.from({ length: 8 }, (_, i) => (b.data[8 + 2 * i]! << 8) | b.data[9 + 2 * i]!);
  let [from, longest] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && words[i + n] === 0) n++;
    if (n > longest) [from, longest] = [i, n];
  }
  const text = (list: readonly number[]): string => list.map((word) => word.toString(16)).join(':');
  return from < 0 ? text(words) : `${text(words.slice(0, from))}::${text(words.slice(from + longest))}`;
}

function unixAddress(data: Uint8Array): string {
  if (data.length === 2) return '{sa_family=AF_UNIX}';
  const path = Buffer.from(data.subarray(2));
  if (path[0] === 0) return `{sa_family=AF_UNIX, sun_path=@"${path.subarray(1).latin1Slice()}"}`;
  const end = path.indexOf(0);
  return `{sa_family=AF_UNIX, sun_path="${(end < 0 ? path : path.subarray(0, end)).latin1Slice()}"}`;
}

function port(b: Bytes): number {
  return (b.data[2]! << 8) | b.data[3]!;
}
