/** What is known about one signal instance, and its byte layout as siginfo_t (sigaction(2), "siginfo_t"). */
import { DOUBLE_ZERO } from '../base/double.ts';
import {
  SIGBUS,
  SIGCHLD,
  SIGFPE,
  SIGILL,
  SIGINFO_SIZE,
  SIGIO,
  SIGSEGV,
  SIGSYS,
  SIGTRAP,
  SI_KERNEL,
  SI_QUEUE,
  SI_SIGIO,
  SI_TIMER,
  SI_TKILL,
  SI_USER,
} from '../abi/signal.ts';

/** Codes of SIGPOLL: POLL_IN to POLL_HUP. */
const NSIGPOLL = 6;

/** One signal instance. Only the fields of its kind (by signo and code) are meaningful. */
export class SigInfo {
  signo: number;
  errno = 0;
  code: number;
  /** Sender; for SIGCHLD the child. */
  pid = 0;
  uid = DOUBLE_ZERO;
  /** sigval: low and high 32-bit words. */
  valueLo = DOUBLE_ZERO;
  valueHi = DOUBLE_ZERO;
  /** Fault address. */
  addr = DOUBLE_ZERO;
  /** SIGCHLD: exit status or signal; CPU times in clock ticks. */
  status = 0;
  utime = DOUBLE_ZERO;
  stime = DOUBLE_ZERO;
  /** POSIX timers. */
  timerId = 0;
  overrun = 0;
  /** SIGIO. */
  band = 0;
  fd = 0;
  /** SIGSYS: call address, number, AUDIT_ARCH_. */
  syscall = 0;
  arch = 0;
  /** From rt_sigqueueinfo: the caller's own 128 bytes, delivered as they are. */
  raw: Uint8Array | null = null;
  /** ... and the signal number that stood in them. */
  rawSigno = 0;
  /** A POSIX timer that owns this entry: asked at delivery for its overrun count. */
  timer: { delivered(info: SigInfo): void } | null = null;
  /** Uid whose RLIMIT_SIGPENDING it counts against; -1: not counted. */
  countedUid = -1;

  constructor(signo: number, code: number) {
    this.signo = signo;
    this.code = code;
  }

  /** Sent by kill, tgkill or sigqueue rather than by the kernel. */
  get fromUser(): boolean {
    return this.code <= 0;
  }
}

/** kill(2)-shaped info. */
export function sigInfo(signo: number, code: number, pid: number, uid: number): SigInfo {
  const info = new SigInfo(signo, code);
  info.pid = pid;
  info.uid = uid;
  return info;
}

/** Info of a signal that the kernel itself raises (SI_KERNEL). */
export function kernelSigInfo(signo: number): SigInfo {
  return new SigInfo(signo, SI_KERNEL);
}

function isFaultSignal(signo: number): boolean {
  return signo === SIGSEGV || signo === SIGBUS || signo === SIGFPE || signo === SIGILL || signo === SIGTRAP;
}

/** Writes siginfo_t (128 bytes) at `offset`; little-endian, byte-exact on both 64-bit architectures. */
export function encodeSigInfo(info: SigInfo, out: Uint8Array, offset: number): void {
  if (info.raw !== null) {
    out.set(info.raw, offset);
    return;
  }
  out.fill(0, offset, offset + SIGINFO_SIZE);
  put32(out, offset, info.signo);
  put32(out, offset + 4, info.errno);
  put32(out, offset + 8, info.code);
  const u = offset + 16;
  if (info.code === SI_TIMER) {
    put32(out, u, info.timerId);
    put32(out, u + 4, info.overrun);
    put32(out, u + 8, info.valueLo);
    put32(out, u + 12, info.valueHi);
    return;
  }
  if (info.code === SI_SIGIO || (info.signo === SIGIO && info.code > SI_USER && info.code < SI_KERNEL)) {
    put64(out, u, info.band);
    put32(out, u + 8, info.fd);
    return;
  }
  if (info.code > SI_USER && info.code < SI_KERNEL) {
    if (info.signo === SIGCHLD) {
      put32(out, u, info.pid);
      put32(out, u + 4, info.uid);
      put32(out, u + 8, info.status);
      put64(out, u + 16, info.utime);
      put64(out, u + 24, info.stime);
      return;
    }
    if (isFaultSignal(info.signo)) {
      put64(out, u, info.addr);
      return;
    }
    if (info.signo === SIGSYS) {
      put64(out, u, info.addr);
      put32(out, u + 8, info.syscall);
      put32(out, u + 12, info.arch);
      return;
    }
    // F_SETSIG sends readiness by any signal (fcntl(2)).
    if (info.code <= NSIGPOLL) {
      put64(out, u, info.band);
      put32(out, u + 8, info.fd);
      return;
    }
  }
  put32(out, u, info.pid);
  put32(out, u + 4, info.uid);
  if (info.code === SI_QUEUE || (info.code < SI_USER && info.code !== SI_TKILL)) {
    put32(out, u + 8, info.valueLo);
    put32(out, u + 12, info.valueHi);
  }
}

function put32(out: Uint8Array, at: number, value: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
}

function put64(out: Uint8Array, at: number, value: number): void {
  put32(out, at, value >>> 0);
  put32(out, at + 4, Math.floor(value / 4294967296));
}
