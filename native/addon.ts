/**
 * The only door to the native addon. Every function returns a value >= 0 or a negated errno and never throws.
 * `buf, off, len` is a byte range of any Uint8Array. Offsets and sizes are in bytes, times in nanoseconds.
 */
import { createRequire } from 'node:module';

export interface Addon {
  // ---- host files (descriptors only: the Sentry opens no path)
  pread(fd: number, buf: Uint8Array, off: number, len: number, pos: number): number;
  pwrite(fd: number, buf: Uint8Array, off: number, len: number, pos: number): number;
  read(fd: number, buf: Uint8Array, off: number, len: number): number;
  write(fd: number, buf: Uint8Array, off: number, len: number): number;
  /** read(2), write(2) that never wait, whatever O_NONBLOCK says; -EOPNOTSUPP where the file cannot do that. */
  readNowait(fd: number, buf: Uint8Array, off: number, len: number): number;
  writeNowait(fd: number, buf: Uint8Array, off: number, len: number): number;
  close(fd: number): number;
  dup(fd: number): number;
  ftruncate(fd: number, len: number): number;
  fallocate(fd: number, mode: number, off: number, len: number): number;
  fsync(fd: number, dataOnly: boolean): number;
  lseek(fd: number, off: number, whence: number): number;
  /** F_GETFL / F_SETFL. */
  fcntl(fd: number, cmd: number, arg: number): number;
  flock(fd: number, operation: number): number;
  /** poll(2) of one descriptor without waiting: revents. */
  poll(fd: number, events: number): number;
  memfdCreate(name: string, flags: number): number;
  /** A shared read-write mapping of length bytes, as an ArrayBuffer: only what lies within the file may be touched. */
  mapFile(fd: number, length: number): ArrayBuffer | number;
  /** Undoes mapFile; the buffer is detached. */
  unmapFile(buffer: ArrayBuffer): number;
  /** One full collection, after which the process has given back what it does not need: some 10 ms. */
  shrinkHeap(): number;
  /**
   * Writes an image of this process to a file (native/image). 0 in the process itself; 1 in each that is made from
   * the image; or a negative errno. Mapped files below `embed` become part of the image, the others have to be there.
   * `watched`: for a program that takes arguments, the files that it was read from, its script first, each name with a line end; when
   * one has changed, the image fits no more.
   */
  writeImage(path: string, embed: string, watched: string): number;
  /** As on Node's command line: `--flag=value`. */
  setEngineFlags(text: string): number;
  /** out: dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, asec, ansec, msec, mnsec, csec, cnsec (16 numbers). */
  fstat(fd: number, out: Float64Array): number;
  /** Terminal window size of a host tty: out rows, cols, xpixel, ypixel. */
  getWinsize(fd: number, out: Int32Array): number;
  setWinsize(fd: number, rows: number, cols: number, xpixel: number, ypixel: number): number;
  /** FIONREAD: bytes that can be read now. */
  pendingBytes(fd: number): number;
  /** Host tty into raw mode. */
  ttyRaw(fd: number): number;
  setNonblock(fd: number): number;

  // ---- host sockets between our own processes
  /** out: two descriptors. SOCK_ type. */
  socketpair(type: number, out: Int32Array): number;
  /** Sends bytes and up to 16 descriptors. */
  sendMsg(fd: number, buf: Uint8Array, off: number, len: number, fds: Int32Array, nfds: number): number;
  /** Receives bytes; descriptors go into fds, their count into fds[fds.length-1]. 0: the peer is gone. Blocks unless the fd is non-blocking. */
  recvMsg(fd: number, buf: Uint8Array, off: number, len: number, fds: Int32Array): number;
  /** A connection of a listening socket: non-blocking, close-on-exec. */
  accept(fd: number): number;
  /** Sends buf[0, len) and waits for the answer, which overwrites buf; descriptors as in recvMsg. Bytes 2 and 3 become the sender's processor + 1. */
  exchange(fd: number, buf: Uint8Array, len: number, fds: Int32Array): number;
  /** Keeps this thread on one processor. */
  runOn(cpu: number): number;
  /** Both socket buffers to so many bytes, as far as the process may. */
  setSocketBuffers(fd: number, size: number): number;

  // ---- the host's sockets of --network host: no call waits
  /**
   * One request (152 bytes) to the broker and its result, with a descriptor unless `sent` is -1. Descriptors that come go
   * into fds (9 numbers), their count into the last. -EPIPE: the broker is gone.
   */
  brokerCall(fd: number, request: Uint8Array, sent: number, fds: Int32Array): number;
  socketReceive(fd: number, buf: Uint8Array, off: number, len: number, flags: number): number;
  socketSend(fd: number, buf: Uint8Array, off: number, len: number, flags: number): number;
  /**
   * recvmsg and sendmsg. extra: u32 address length, u32 control length, i32 msg_flags, 4 bytes unused, 128 bytes of
   * address, 4096 of control messages.
   */
  socketReceiveMessage(
    fd: number,
    buf: Uint8Array,
    off: number,
    len: number,
    flags: number,
    extra: Uint8Array,
  ): number;
  socketSendMessage(
    fd: number,
    buf: Uint8Array,
    off: number,
    len: number,
    flags: number,
    extra: Uint8Array,
  ): number;
  /** A non-blocking socket. peer: the length of its peer's address in four bytes, then the address. */
  socketAccept(fd: number, peer: Uint8Array): number;
  socketListen(fd: number, backlog: number): number;
  socketShutdown(fd: number, how: number): number;
  /** getpeername or getsockname: the address's length. */
  socketName(fd: number, peer: boolean, out: Uint8Array): number;
  /** Bytes filled. */
  socketGetOption(fd: number, level: number, name: number, out: Uint8Array): number;
  socketSetOption(fd: number, level: number, name: number, value: Uint8Array): number;
  /** A classic BPF program: SO_ATTACH_FILTER or SO_ATTACH_REUSEPORT_CBPF. */
  socketSetFilter(fd: number, name: number, program: Uint8Array): number;
  /** An ioctl that asks: SIOCINQ… of an int, SIOCGIF… of a struct ifreq; -ENOTTY for any other. */
  socketQuestion(fd: number, cmd: number, bytes: Uint8Array): number;
  /** SIOCGIFCONF: bytes of struct ifreq filled. */
  socketInterfaces(fd: number, out: Uint8Array): number;

  // ---- the host's epoll
  epollCreate(): number;
  /** epoll_ctl(2) of `fd`, which the instance knows as descriptor `number`. */
  epollControl(
    epoll: number,
    operation: number,
    fd: number,
    number: number,
    events: number,
    dataLo: number,
    dataHi: number,
  ): number;
  /** How many struct epoll_event are in `events` now, of `max` at most. Never waits. */
  epollTake(epoll: number, events: Uint8Array, max: number): number;

  // ---- time
  /** CLOCK_ id; out: seconds, nanoseconds. */
  clockGettime(clock: number, out: Float64Array): number;
  /** CLOCK_MONOTONIC as one number of ns (double: exact to ~1 ns below 104 days, 2 ns beyond). */
  monotonicNs(): number;
  random(buf: Uint8Array, off: number, len: number): number;
  /** sysinfo(2)-like: out total RAM, free RAM, buffers, shared, uptime sec, load1*65536, load5, load15, cpus online. */
  sysinfo(out: Float64Array): number;

  // ---- gofer side: paths beneath a directory descriptor, symlinks never followed (implemented in addon/gofer_fs.cc)
  openat(dirfd: number, name: string, flags: number, mode: number): number;
  /** A connection to the unix socket of that name: by the working directory, which is the root again then. */
  connectUnix(dirfd: number, name: string, type: number): number;
  fstatat(dirfd: number, name: string, out: Float64Array): number;
  mkdirat(dirfd: number, name: string, mode: number): number;
  mknodat(dirfd: number, name: string, mode: number, rdev: number): number;
  symlinkat(target: string, dirfd: number, name: string): number;
  linkat(olddirfd: number, oldname: string, newdirfd: number, newname: string): number;
  unlinkat(dirfd: number, name: string, flags: number): number;
  renameat2(olddirfd: number, oldname: string, newdirfd: number, newname: string, flags: number): number;
  readlinkat(dirfd: number, name: string): string | number;
  fchmod(fd: number, mode: number): number;
  fchownat(dirfd: number, name: string, uid: number, gid: number): number;
  /** Times as seconds and ns; ns -1: UTIME_OMIT. name "" acts on dirfd itself. */
  utimensat(dirfd: number, name: string, asec: number, ansec: number, msec: number, mnsec: number): number;
  /** getdents64 into buf: bytes filled, 0 at the end. */
  getdents(fd: number, buf: Uint8Array, off: number, len: number): number;
  /**
   * Attributes and names of the getdents records dents[from, to), as a block of the gofer's READDIR message from byte
   * `at` of `out` on (brief 1: inode numbers and types in place of attributes); state: records used up to, bytes
   * written up to, directories. Returns the number of entries.
   */
  readdirAttributes(
    fd: number,
    dents: Uint8Array,
    from: number,
    to: number,
    out: Uint8Array,
    at: number,
    state: Int32Array,
    brief: number,
  ): number;
  fstatfs(fd: number, out: Float64Array): number;
  fgetxattr(fd: number, name: string, buf: Uint8Array): number;
  fsetxattr(fd: number, name: string, value: Uint8Array, flags: number): number;
  flistxattr(fd: number, buf: Uint8Array): number;
  fremovexattr(fd: number, name: string): number;

  // ---- process
  /** Replaces this process; returns only on failure. */
  execve(path: string, argv: string[], envp: string[]): number;
  /** A descriptor that stands for the process wherever it is sent. */
  pidfdOpen(pid: number): number;
  prctl(option: number, arg: number): number;
  kill(pid: number, signo: number): number;
  getpid(): number;
  eventfd(): number;
  /** Ends the process at once: without Node’s own end, which waits for threads that one from an image has not got. */
  exit(code: number): never;
  /**
   * Seccomp allow-list (at most 240 numbers) for all threads: other calls fail with EPERM from now on. Sets
   * no_new_privs. Start all threads first unless clone is in the list.
   */
  allowOnly(numbers: Int32Array): number;
  /** RLIMIT_NOFILE. */
  openFileLimit(): number;

  // ---- platform/systrap only: see platform/systrap/native.ts
  readonly systrap: unknown;
}

const require = createRequire(import.meta.url);

/** Loads the addon from build/Release, beside the bundle or the source tree. */
function load(): Addon {
  const candidates = ['../build/Release/runsc_addon.node', '../../build/Release/runsc_addon.node'];
  let last: unknown;
  for (const path of candidates) {
    try {
      return require(path) as Addon;
    } catch (error) {
      last = error;
    }
  }
  throw new Error('the native addon is not built: run npm ci', { cause: last });
}

export const addon: Addon = load();
