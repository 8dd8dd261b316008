/** A terminal: attributes, window size, line discipline, session, and the files that have it open. */
import { POLLERR, POLLHUP, READABLE, WRITABLE } from '../../abi/poll.ts';
import { SIGWINCH } from '../../abi/signal.ts';
import * as T from '../../abi/termios.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { ControllingTerminal, ProcessGroup, Session } from '../../kernel/process-group.ts';
import type { ThreadGroup } from '../../kernel/thread-group.ts';
import { kernelSigInfo } from '../../signal/sig-info.ts';
import type { TtyBackend } from './backend.ts';
import { disassociate, hangupSession } from './job-control.ts';
import { LineDiscipline } from './line-discipline.ts';
import type { LineEvents } from './line-discipline.ts';
import { Termios } from './termios.ts';

/** An open file of the terminal, as the terminal sees it. */
export interface TtyHolder {
  hung: boolean;
}

export class Tty implements ControllingTerminal, LineEvents {
  readonly kernel: Kernel;
  /** Device number, as in /proc/PID/stat. */
  readonly rdev: number;
  readonly termios = new Termios();
  readonly line: LineDiscipline;
  readonly backend: TtyBackend;
  /** Readers, writers and pollers of the terminal. */
  readonly queue = new WaitQueue();
  session: Session | null = null;
  foreground: ProcessGroup | null = null;
  /** Processes that gave it up with TIOCNOTTY while their session kept it. */
  readonly renounced = new WeakSet<ThreadGroup>();
  readonly holders = new Set<TtyHolder>();
  /** TIOCEXCL: no more opens but by CAP_SYS_ADMIN. */
  exclusive = false;
  rows = 0;
  cols = 0;
  xpixel = 0;
  ypixel = 0;

  constructor(kernel: Kernel, rdev: number, makeBackend: (tty: Tty) => TtyBackend) {
    this.kernel = kernel;
    this.rdev = rdev;
    this.backend = makeBackend(this);
    this.line = new LineDiscipline(this.termios, this.backend, this);
  }

  // ---- from below
  /** Input bytes from the backend: how many were taken; inputDrained() tells when to try again. */
  receive(buf: Uint8Array, off: number, len: number): number {
    return this.line.receive(buf, off, len);
  }

  /** The backend has room again. */
  outputReady(): void {
    this.line.output.flushEchoes();
    if (this.line.output.room() > 0) this.queue.notify(WRITABLE);
  }

  /** The line is gone: open files fail from now on, the session is told (vhangup(2)). */
  hangup(): void {
    for (const holder of this.holders) holder.hung = true;
    this.holders.clear();
    this.line.flushInput();
    hangupSession(this);
    this.queue.notify(READABLE | WRITABLE | POLLHUP | POLLERR);
  }

  // ---- from the line discipline
  signal(signo: number): void {
    if (this.foreground !== null) {
      this.kernel.signals.sendToProcessGroup(this.foreground, kernelSigInfo(signo));
    }
  }
  inputReady(): void {
    if (this.line.readable()) this.queue.notify(READABLE);
  }
  flowChanged(): void {
    if (!this.line.output.stopped) this.outputReady();
  }

  // ---- from files
  readiness(): number {
    return (this.line.readable() ? READABLE : 0) | (this.line.output.room() > 0 ? WRITABLE : 0);
  }

  /** Sets attributes; the caller has drained and flushed as its request wants. */
  setTermios(change: (next: Termios) => void): void {
    const { termios } = this;
    const oldLflag = termios.lflag;
    const oldFlow = hasStandardFlow(termios);
    change(termios);
    // A pty has no modem lines and eight bits, whatever is asked for.
    termios.cflag = (termios.cflag & ~(T.CSIZE | T.PARENB)) | T.CS8 | T.CREAD;
    termios.line = T.N_TTY;
    this.line.termiosChanged(oldLflag);
    const flow = hasStandardFlow(termios);
    let event = flow === oldFlow ? 0 : flow ? T.TIOCPKT_DOSTOP : T.TIOCPKT_NOSTOP;
    if (((oldLflag ^ termios.lflag) & T.EXTPROC) !== 0) event |= T.TIOCPKT_IOCTL;
    if (event !== 0) this.backend.packetEvent(event);
  }

  /** TIOCSWINSZ: SIGWINCH to the foreground group when it really changed. */
  setWinsize(rows: number, cols: number, xpixel: number, ypixel: number): void {
    const same = rows === this.rows && cols === this.cols && xpixel === this.xpixel && ypixel === this.ypixel;
    if (same) return;
    this.rows = rows;
    this.cols = cols;
    this.xpixel = xpixel;
    this.ypixel = ypixel;
    this.backend.winsizeChanged(rows, cols, xpixel, ypixel);
    this.signal(SIGWINCH);
  }

  // ---- from the kernel
  /** The session's leader has exited. */
  disassociate(session: Session): void {
    if (this.session === session) disassociate(this, session, true);
  }
}

/** ^S and ^Q do flow control: what packet mode calls DOSTOP. */
function hasStandardFlow(termios: Termios): boolean {
  return (termios.iflag & T.IXON) !== 0 && termios.cc[T.VSTOP] === 19 && termios.cc[T.VSTART] === 17;
}
