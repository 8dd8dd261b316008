/**
 * The platform interface: guest address spaces and threads as the kernel sees them, whatever runs them.
 *
 * A guest address space is a host process (a "stub"), a guest thread one of its threads. A thread that wants the
 * kernel (a syscall, a fault, an interrupt) *posts*: it fills its slot and waits. The kernel answers each post with
 * exactly one reply, at once or later. Between reply and next post the thread runs guest code natively.
 */

/** Why a thread posted. */
export const EVENT_SYSCALL = 0;
/** It was asked to by interrupt(), or a reply asked for it with `trapAfter`. */
export const EVENT_INTERRUPT = 1;
/** A hardware exception: faultSignal(), faultCode(), faultAddress(). */
export const EVENT_FAULT = 2;
/** A blank address space's first thread is ready for its image (start()). */
export const EVENT_READY = 3;
/** Host operations queued with a reply are done (`ackOps`) or one failed: opResult(). */
export const EVENT_OPS = 4;
/** The clone asked for by replyFork / replyThread was made, or not: opResult() is 0 or a negated errno. */
export const EVENT_CLONED = 5;
/** The thread could not go on (a signal frame did not fit on the guest's stack): deliver SIGSEGV. */
export const EVENT_BAD_FRAME = 6;

/** Host-side memory operations that a stub performs for the kernel, always with addresses that the kernel chose. */
export const OP_MMAP = 1; // addr, len, prot, MAP_ flags, (fd: DONATED_FD or -1), offset
export const OP_MUNMAP = 2; // addr, len
export const OP_MPROTECT = 3; // addr, len, prot
export const OP_MREMAP = 4; // old, oldLen, newLen, MREMAP_ flags, newAddr
export const OP_MADVISE = 5; // addr, len, advice
export const OP_MSYNC = 6; // addr, len, flags
export const OP_MLOCK = 7; // addr, len   (best effort)
export const OP_MINCORE = 8; // addr, len -> vector of bytes in the data area at the staged offset a2
export const OP_MEMBARRIER = 9; // cmd
export const OP_ZERO = 10; // addr, len: clears guest bytes (the tail of .data before .bss)
export const OP_SET_FS = 11; // thread pointer (FS base; tpidr_el0)
/** Takes the next donated descriptor and keeps it under number a0 (PlatformSpace.keepFile). */
export const OP_KEEP_FD = 13;
export const OP_CLOSE_FD = 14; // fd
/** fd, addr, len, pos: reads straight into guest memory; the count replaces the result of the reply. */
export const OP_PREAD = 15;
/** Takes the next donated descriptor, a socket, for the guest's descriptor a0; a1: its turn (KeptSockets). */
export const OP_KEEP_SOCKET = 16;
export const OP_DROP_SOCKET = 17; // guest's descriptor, turn
/** For whoever looks at the host's processes: the thread's name, 16 bytes in four words, the last of them 0. */
export const OP_NAME = 18;
/** Likewise: where the arguments and the environment are in guest memory, start and end of each. */
export const OP_ARGUMENTS = 19;
/** addr, expected, new, result when that was done: a word of guest memory; -EAGAIN when it was another one. */
export const OP_COMPARE_EXCHANGE = 20;
/** In OP_MMAP's fd place: the thread's next descriptor donated with donate(), in order. */
export const DONATED_FD = -2;

/** A guest's signal frame, filled by the kernel and built on the guest's stack by the stub. One object, reused. */
export class SignalFrame {
  signo = 0;
  handler = 0;
  restorer = 0;
  /** SA_ flags of the action. */
  flags = 0;
  /** Mask to restore at rt_sigreturn (the one in force before delivery). */
  maskLo = 0;
  maskHi = 0;
  /** sigaltstack state saved in uc_stack. */
  altSp = 0;
  altSize = 0;
  altFlags = 0;
  /** Top of the stack to build on, or 0: below the guest's current stack pointer (and its red zone). */
  stackTop = 0;
  /** Arena offset of 128 bytes of siginfo_t, staged in the thread's data area. */
  siginfoOffset = 0;
  /** Replace the return-value register first: setResult true and result. */
  setResult = false;
  result = 0;
  /** Rewind to the interrupted syscall instruction with its number in place (SA_RESTART). */
  restart = false;
  /** Post EVENT_INTERRUPT right after the frame is built: more signals wait. */
  trapAfter = false;
}

/** A socket that a space reads and writes for its guest, by one of the guest's descriptors. */
export interface KeptSocket {
  /** The descriptor is closed, or the space gone. */
  readonly dropped: boolean;
  /** SOCKET_ mode from now on; SOCKET_NONE: the kernel is asked. */
  setMode(mode: number): void;
}

/**
 * Sockets of the host's that a space's stub reads and writes itself: its calls for their data never reach the kernel
 * unless something about them isn't plain. A stub has them by the guest's descriptors, of one table.
 */
export interface KeptSockets {
  /** The table of descriptors that they belong to, by identity; null until there is one. */
  table: object | null;
  /**
   * Donates the socket with `thread`'s next reply, for the guest's descriptor; null where that cannot be. As with
   * keepFile, nobody else in the space may have a donation under way.
   */
  keep(thread: PlatformThread, fd: number, hostFd: number, mode: number): KeptSocket | null;
  has(fd: number): boolean;
  /** The guest's descriptor is closed: from now on for the guest, for the host with the next reply. */
  drop(fd: number): void;
  dropAll(): void;
}

/** A guest thread. */
export interface PlatformThread {
  readonly space: PlatformSpace;
  /** The kernel's Task, or null. */
  owner: unknown;

  // ---- what was posted (valid from post to reply; guest-writable memory: read once)
  event(): number;
  /**
   * Syscall number. With EVENT_INTERRUPT: the call that the interrupt ended with -EINTR inside the stub (a futex wait,
   * which the kernel never sees otherwise), or 0xffffffff. Restart it as ERESTARTSYS says.
   */
  nr(): number;
  /** Copies the six arguments into out[0..11] as low, high 32-bit words. */
  readArgs(out: Int32Array): void;
  /** Guest stack pointer and instruction pointer at the post. */
  sp(): number;
  ip(): number;
  /** True when a signal can be delivered with this reply; otherwise reply with trapAfter and wait for the event. */
  fullContext(): boolean;
  faultSignal(): number;
  faultCode(): number;
  faultAddress(): number;
  /** x86: the page-fault error code; bit 1 set: a write. */
  faultError(): number;
  opResult(): number;
  /**
   * Finds marshalled input for guest address `addr`: the arena offset of its bytes when at least `len` of them were
   * copied, -EFAULT when the copy faulted, or -1 when this range was not marshalled.
   */
  findInput(addr: number, len: number): number;
  /** Marshalled path or string at guest `addr`: length without NUL, offset in inputOffset; -EFAULT, -ENAMETOOLONG; -1 not there. */
  findString(addr: number): number;
  inputOffset: number;
  /** Its descriptors are not those of the space's `sockets`. */
  filesApart: boolean;
  /** Free part of the data area: [dataTop, dataEnd), arena offsets; dataTop moves up with stage(). */
  dataTop: number;
  readonly dataEnd: number;

  // ---- building the reply
  /** Queues a copy-out of arena bytes; false when the list (16) is full. */
  addCopyOut(addr: number, offset: number, len: number): boolean;
  /** Drops queued copy-outs and host operations. */
  clearReply(): void;
  /** Queues a host operation; they run in order before the copy-outs. */
  addOp(op: number, a0: number, a1: number, a2: number, a3: number, a4: number, a5: number): void;
  /** Report EVENT_OPS after the operations even on success (needed when other threads share the space). */
  ackOps: boolean;
  /** Return `ret` from the syscall; with trapAfter the thread posts EVENT_INTERRUPT before it runs guest code. */
  replyReturn(ret: number, trapAfter: boolean): void;
  /**
   * Go on as it was (after an interrupt or a repaired fault). restart: the syscall that the kernel let return -EINTR
   * with trapAfter is started again (no handler ran). A futex wait ended by an interrupt restarts by itself.
   */
  replyContinue(restart: boolean): void;
  replySignal(frame: SignalFrame): void;
  /** The kernel has taken mask and altstack from the frame (see sigreturnFrame); registers are the stub's matter. */
  replySigreturn(trapAfter: boolean): void;
  /** The marshalled frame of rt_sigreturn: fills mask and alt fields of `out`; false when it was unreadable. */
  sigreturnFrame(out: SignalFrame): boolean;
  /** Run queued ops and copy-outs, then set all registers to zero but ip and sp and go: the end of execve. */
  replyStart(ip: number, sp: number): void;
  /** fork: the child continues from the same point with result 0 in its own space, from prepareFork(). */
  replyFork(child: PlatformThread, stack: number, tls: number, setTidAddr: number, childTid: number): void;
  /** A thread of the same space, from prepareThread(): new stack (0: keep), thread pointer (-1: keep). */
  replyThread(child: PlatformThread, stack: number, tls: number, setTidAddr: number, childTid: number): void;
  /**
   * The thread ends: clears the word at clearTid (0: none), if that isn't done, and wakes its futex, walks the robust
   * list at robustHead (0: none) for owner `tid`, then leaves. The PlatformThread is dead at once.
   */
  replyExit(clearTid: number, robustHead: number, tid: number, cleared: boolean): void;

  // ---- while it runs
  /** Makes a running thread post EVENT_INTERRUPT soon. Harmless when it is about to post anyway (a spurious event). */
  interrupt(): void;
  /** User and system CPU time in ns. */
  cpuTimeNs(): number;
  /** It waits in the host's kernel, for a futex or one of the host's sockets. What it says itself: only for show. */
  waits(): boolean;
}

/** A guest address space. */
export interface PlatformSpace {
  /** The kernel's own object, or null. */
  owner: unknown;
  /** Host-side death was seen (OOM kill, a guest's own doing): no thread of it will ever post. */
  readonly dead: boolean;
  /** The host process, as the Sentry's own pid namespace numbers it; -1 until it is known. */
  readonly pid: number;
  /** Guest memory through the host: 0 or -EFAULT. For what the stub did not marshal. */
  read(addr: number, dst: Uint8Array, offset: number, len: number): number;
  write(addr: number, src: Uint8Array, offset: number, len: number): number;
  /**
   * Sends a host descriptor for the thread's next DONATED_FD; it is on its way at once, the caller may close its own.
   */
  donate(thread: PlatformThread, fd: number): number;
  readonly sockets: KeptSockets;
  /** Number under which the stub keeps a descriptor of the file `key` stands for, or -1. */
  keptFile(key: object): number;
  /**
   * Gives the stub a read-only descriptor of a file to keep, with `thread`'s next reply; the number, or a negated errno.
   * Nobody else in the space may have a donation under way.
   */
  keepFile(thread: PlatformThread, key: object, fd: number): number;
  /** Space and first thread for a fork of `parent`; or -ENOMEM/-EAGAIN. */
  prepareFork(parent: PlatformThread): PlatformThread | number;
  /** One more thread here; or -EAGAIN. */
  prepareThread(): PlatformThread | number;
  /**
   * Stops the host process, guest code and all, until resume(). A post may still arrive: it was made before. Invisible
   * to the guest, and no hindrance to replies and destroy().
   */
  suspend(): void;
  resume(): void;
  /** Kills the host process; all its threads are gone for the kernel at once. */
  destroy(): void;
  /**
   * Calls back once the host process has ended, if it may hold sockets of the host's until then; false: there is
   * nothing to wait for. Asked after destroy().
   */
  whenGone(callback: () => void): boolean;
}

/** What the kernel gives the platform to call. */
export interface PlatformEvents {
  /** May the syscall site at `ip` be rewritten: is its mapping private, readable and executable, not writable? */
  isPatchable(thread: PlatformThread, ip: number): boolean;
  /** A thread posted. */
  onPost(thread: PlatformThread): void;
  /** A space's host process died without being told to. */
  onSpaceDeath(space: PlatformSpace): void;
}

/** A file is closed: spaces that keep a descriptor of it are to let go of it. */
export type ForgetFile = (key: object) => void;

/** Where blank spaces come from. */
export interface SpaceSource {
  /** A blank space whose first thread has posted EVENT_READY; or a negated errno. */
  newSpace(): PlatformThread | number;
}

/** A source whose spaces are all in the same cgroups of the host. */
export interface Zone extends SpaceSource {
  /** The host process that all of its spaces descend from, as the Sentry's own pid namespace numbers it. */
  readonly pid: number;
  /** That process is in its place: spaces can be made from now on. */
  open(): void;
  /** Kills the process, and the spaces that nobody has taken. */
  destroy(): void;
}

export interface Platform extends SpaceSource {
  readonly name: string;
  /** Lowest and highest usable guest addresses: [minAddress, maxAddress). */
  readonly minAddress: number;
  readonly maxAddress: number;
  /** Address of the vdso's ELF header in every space, or 0; its extent [vdsoStart, vdsoEnd) incl. vvar. */
  readonly vdso: number;
  readonly vdsoStart: number;
  readonly vdsoEnd: number;
  /** AT_HWCAP, AT_HWCAP2 and AT_PLATFORM of the host, for the guest's auxv; AT_MINSIGSTKSZ. */
  readonly hwcap: number;
  readonly hwcap2: number;
  readonly minSigStackSize: number;
  /** One more zone, not opened yet; or a negated errno. */
  newZone(): Zone | number;
  /**
   * Waits for posts, host descriptors and `deadlineNs` (absolute, as addon.monotonicNs(); Infinity: none; 0: do not
   * wait) and delivers what came. True: Node's own event loop has work; give it a turn before the next call.
   */
  runOnce(events: PlatformEvents, deadlineNs: number): boolean;
  /** Calls `turn` from Node's event loop, over and over until it returns false; turn is where runOnce is called. */
  startLoop(turn: () => boolean): void;
  /** See ForgetFile. */
  forgetFile: ForgetFile;
  /** Announces readiness of a host descriptor (edge-triggered): callback with poll(2) bits. */
  watch(fd: number, callback: (mask: number) => void): void;
  /** `gone`: it is the last descriptor of what it stands for, and will be closed. */
  unwatch(fd: number, gone?: boolean): void;
  /** Announces at once what there is to announce. */
  announce(): void;
  /** The bits of a watched descriptor that the host has announced and `callback` has not: it is not called for them. */
  settle(fd: number): number;
}
