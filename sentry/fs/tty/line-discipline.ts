/** N_TTY's input half (termios(3)): editing, signal and flow characters, line and raw reads. */
import { EAGAIN } from '../../abi/errno.ts';
import { SIGINT, SIGQUIT, SIGTSTP } from '../../abi/signal.ts';
import * as T from '../../abi/termios.ts';
import type { TtyBackend } from './backend.ts';
import { eraseInput } from './line-erase.ts';
import { lowerCase, LineOutput } from './line-output.ts';
import type { Termios } from './termios.ts';

/** Bytes of one unread line, its newline not counted; also how much raw input is kept. */
export const LINE_MAX = 4095;
const SIZE = 4096;
const MASK = SIZE - 1;
const NL = 10;
const CR = 13;
/** _POSIX_VDISABLE: a control character of this value is off. */
const DISABLED = 0;

/** What the discipline tells its terminal. */
export interface LineEvents {
  /** A signal character: to the foreground process group. */
  signal(signo: number): void;
  /** Something became readable. */
  inputReady(): void;
  /** ^S or ^Q changed the flow. */
  flowChanged(): void;
}

export class LineDiscipline {
  readonly termios: Termios;
  readonly output: LineOutput;
  private readonly events: LineEvents;
  private readonly backend: TtyBackend;
  /** Input bytes; `marks` is 1 where a byte ends a line. Positions below only grow, masked when used. */
  private readonly bytes = new Uint8Array(SIZE);
  private readonly marks = new Uint8Array(SIZE);
  head = 0;
  tail = 0;
  /** End of the last complete line. */
  canonHead = 0;
  private lnext = false;
  /** Inside \.../ of ECHOPRT. */
  erasing = false;
  /** TCOOFF is in force. */
  private suspended = false;

  constructor(termios: Termios, backend: TtyBackend, events: LineEvents) {
    this.termios = termios;
    this.backend = backend;
    this.events = events;
    this.output = new LineOutput(termios, backend);
  }

  get canonical(): boolean {
    return (this.termios.lflag & T.ICANON) !== 0;
  }

  /** Takes bytes that came from below; returns how many (fewer: the queue is full, retry after a read). */
  receive(buf: Uint8Array, off: number, len: number): number {
    let n = 0;
    while (n < len && this.acceptsInput()) this.receiveByte(buf[off + n++]!);
    if (n > 0) this.output.flushEchoes();
    return n;
  }

  /** read(2): bytes, 0 for ^D on an empty line, or -EAGAIN. */
  read(buf: Uint8Array, off: number, len: number): number {
    const n = this.canonical && !this.extproc ? this.readLine(buf, off, len) : this.readRaw(buf, off, len);
    if (n >= 0) this.backend.inputDrained();
    return n;
  }

  /** How much a raw read finds; for VMIN decisions. */
  get available(): number {
    return this.head - this.tail;
  }

  /** Does poll(2) report POLLIN? */
  readable(): boolean {
    if (this.canonical && !this.extproc) return this.canonHead !== this.tail;
    const cc = this.termios.cc;
    const least = cc[T.VTIME] === 0 && cc[T.VMIN]! > 0 ? cc[T.VMIN]! : 1;
    return this.available >= least;
  }

  /** FIONREAD: in canonical mode only whole lines count, and ^D does not. */
  inputCount(): number {
    if (!this.canonical || this.extproc) return this.available;
    let n = this.canonHead - this.tail;
    for (let at = this.tail; at !== this.canonHead; at++) {
      if (this.marks[at & MASK] === 1 && this.bytes[at & MASK] === DISABLED) n--;
    }
    return n;
  }

  flushInput(): void {
    this.head = this.tail = this.canonHead = 0;
    this.marks.fill(0);
    this.erasing = false;
    this.lnext = false;
    this.backend.inputDrained();
  }

  /** After a change of attributes: input already there is kept across ICANON, as one line when it turns on. */
  termiosChanged(oldLflag: number): void {
    if (((oldLflag ^ this.termios.lflag) & (T.ICANON | T.EXTPROC)) !== 0) {
      this.marks.fill(0);
      if (this.canonical && this.head !== this.tail) {
        this.marks[(this.head - 1) & MASK] = 1;
        this.canonHead = this.head;
      } else {
        this.canonHead = this.tail;
      }
      this.erasing = false;
      this.lnext = false;
    }
    if ((this.termios.iflag & T.IXON) === 0) this.start();
    this.events.inputReady();
  }

  /** Output may go on, unless it was stopped by TCOOFF: that needs TCOON. */
  start(): void {
    if (!this.output.stopped || this.suspended) return;
    this.output.stopped = false;
    this.output.flushEchoes();
    this.backend.packetEvent(T.TIOCPKT_START);
    this.events.flowChanged();
  }

  stop(): void {
    if (this.output.stopped) return;
    this.output.stopped = true;
    this.backend.packetEvent(T.TIOCPKT_STOP);
    this.events.flowChanged();
  }

  /** tcflow(3) with TCOOFF and TCOON. */
  suspend(on: boolean): void {
    if (on === this.suspended) return;
    if (on) this.stop();
    this.suspended = on;
    // What ^S stopped waits for ^Q.
    if (!on) this.start();
  }

  /** A signal character, or TIOCSIG: flushes unless NOFLSH, then signals. */
  raise(signo: number): void {
    this.events.signal(signo);
    if ((this.termios.lflag & T.NOFLSH) !== 0) return;
    this.output.dropEchoes();
    this.backend.flushOutput();
    this.flushInput();
    this.backend.packetEvent(T.TIOCPKT_FLUSHREAD);
  }

  // ---- the buffer, for line-erase.ts
  byteAt(at: number): number {
    return this.bytes[at & MASK]!;
  }

  private get extproc(): boolean {
    return (this.termios.lflag & T.EXTPROC) !== 0;
  }

  /** While a line is incomplete the queue never refuses: what exceeds LINE_MAX is dropped instead. */
  private acceptsInput(): boolean {
    return this.available < LINE_MAX || (this.canonical && this.canonHead === this.tail);
  }

  private receiveByte(c: number): void {
    const { iflag, lflag, cc } = this.termios;
    if ((iflag & T.ISTRIP) !== 0) c &= 0x7f;
    if ((iflag & T.IUCLC) !== 0 && (lflag & T.IEXTEN) !== 0) c = lowerCase(c);
    if ((lflag & T.EXTPROC) !== 0) {
      this.put(c);
      return;
    }
    if (this.lnext) {
      this.lnext = false;
      this.store(c);
      return;
    }
    if (c !== DISABLED) {
      if ((iflag & T.IXON) !== 0 && (c === cc[T.VSTART] || c === cc[T.VSTOP])) {
        if (c === cc[T.VSTART]) this.start();
        else this.stop();
        return;
      }
      if ((lflag & T.ISIG) !== 0) {
        const signo =
          c === cc[T.VINTR] ? SIGINT : c === cc[T.VQUIT] ? SIGQUIT : c === cc[T.VSUSP] ? SIGTSTP : 0;
        if (signo !== 0) {
          this.raise(signo);
          if ((iflag & T.IXON) !== 0) this.start();
          if ((lflag & T.ECHO) !== 0) this.output.echoChar(c);
          return;
        }
      }
    }
    if (this.output.stopped && (iflag & T.IXON) !== 0 && (iflag & T.IXANY) !== 0) this.start();

    const typed = c;
    if (c === CR) {
      if ((iflag & T.IGNCR) !== 0) return;
      if ((iflag & T.ICRNL) !== 0) c = NL;
    } else if (c === NL && (iflag & T.INLCR) !== 0) {
      c = CR;
    }
    if (this.canonical && this.edit(c)) return;
    this.store(c, c === NL && typed === CR);
  }

  /** The characters that only canonical mode knows; true when `c` was one. */
  private edit(c: number): boolean {
    const { lflag, cc } = this.termios;
    const extended = (lflag & T.IEXTEN) !== 0;
    const echo = (lflag & T.ECHO) !== 0;
    if (c === NL) {
      if (echo || (lflag & T.ECHONL) !== 0) {
        if (echo) this.finishErasing();
        this.output.echoRaw(NL);
      }
      this.endLine(c);
      return true;
    }
    if (c === DISABLED) return false;
    if (c === cc[T.VERASE] || c === cc[T.VKILL] || (c === cc[T.VWERASE] && extended)) {
      eraseInput(this, c);
      return true;
    }
    if (c === cc[T.VLNEXT] && extended) {
      this.lnext = true;
      if (echo) {
        this.finishErasing();
        if ((lflag & T.ECHOCTL) !== 0) {
          this.output.echoRaw(0x5e);
          this.output.echoRaw(8);
        }
      }
      return true;
    }
    if (c === cc[T.VREPRINT] && echo && extended) {
      this.finishErasing();
      this.output.echoChar(c);
      this.output.echoRaw(NL);
      for (let at = this.canonHead; at !== this.head; at++) this.output.echoChar(this.byteAt(at));
      return true;
    }
    if (c === cc[T.VEOF]) {
      this.endLine(DISABLED);
      return true;
    }
    if (c === cc[T.VEOL] || (c === cc[T.VEOL2] && extended)) {
      if (echo) this.echoInput(c);
      if ((this.termios.iflag & T.PARMRK) !== 0 && c === 0xff) this.put(c);
      this.endLine(c);
      return true;
    }
    return false;
  }

  /** An ordinary character: echo it and keep it. Only a newline that was made of ^M shows as one, others as ^J. */
  private store(c: number, madeNewline = false): void {
    if ((this.termios.lflag & T.ECHO) !== 0) {
      this.finishErasing();
      if (madeNewline) this.output.echoRaw(NL);
      else this.echoInput(c);
    }
    // PARMRK marks errors with \377 \0; a real \377 is doubled to tell it apart.
    if ((this.termios.iflag & T.PARMRK) !== 0 && c === 0xff) this.put(c);
    this.put(c);
  }

  private echoInput(c: number): void {
    if (this.canonHead === this.head) this.output.markCanonColumn();
    this.output.echoChar(c);
  }

  finishErasing(): void {
    if (!this.erasing) return;
    this.output.echoRaw(0x2f); // the closing / of ECHOPRT
    this.erasing = false;
  }

  private put(c: number): void {
    if (this.canonical && this.available >= LINE_MAX) return;
    this.bytes[this.head & MASK] = c;
    this.marks[this.head & MASK] = 0;
    this.head++;
    if (!this.canonical || this.extproc) this.events.inputReady();
  }

  /** A line's end has its place even when the line is full: available is then LINE_MAX + 1 = SIZE. */
  private endLine(c: number): void {
    this.bytes[this.head & MASK] = c;
    this.marks[this.head & MASK] = 1;
    this.head++;
    this.canonHead = this.head;
    this.events.inputReady();
  }

  private readLine(buf: Uint8Array, off: number, len: number): number {
    if (this.canonHead === this.tail) return -EAGAIN;
    let n = 0;
    while (n < len && this.tail !== this.canonHead) {
      const at = this.tail & MASK;
      const c = this.bytes[at]!;
      this.tail++;
      if (this.marks[at] === 1) {
        this.marks[at] = 0;
        if (c !== DISABLED) buf[off + n++] = c;
        return n;
      }
      buf[off + n++] = c;
    }
    return n;
  }

  private readRaw(buf: Uint8Array, off: number, len: number): number {
    const n = Math.min(len, this.available);
    if (n === 0) return -EAGAIN;
    for (let i = 0; i < n; i++) buf[off + i] = this.bytes[this.tail++ & MASK]!;
    if (this.canonHead < this.tail) this.canonHead = this.tail;
    return n;
  }
}
