/** The output half of N_TTY: OPOST processing, echo, and the column bookkeeping that tab erasure needs. */
import * as T from '../../abi/termios.ts';
import type { TtyBackend } from './backend.ts';
import { ByteRing } from './byte-ring.ts';
import type { Termios } from './termios.ts';

/**
 * Echo waits here until the input that it comes from has been gone through (a signal character in it drops it) and
 * while there is no room; more than this is lost, as in Linux.
 */
const ECHO_LIMIT = 4096;
/** No input byte becomes more bytes than a tab. */
const EXPANSION = 8;
const CHUNK = 4096;

const NL = 10;
const CR = 13;
const TAB = 9;
const BS = 8;
const SPACE = 32;

const out = new Uint8Array(CHUNK + EXPANSION);

export class LineOutput {
  private readonly termios: Termios;
  private readonly backend: TtyBackend;
  private readonly echoes = new ByteRing(ECHO_LIMIT);
  /** Cursor column, and the column at which the line being edited began. */
  column = 0;
  canonColumn = 0;
  /** ^S or TCOOFF: nothing leaves until started. */
  stopped = false;
  private used = 0;

  constructor(termios: Termios, backend: TtyBackend) {
    this.termios = termios;
    this.backend = backend;
  }

  room(): number {
    return this.stopped || this.echoes.length > 0 ? 0 : this.backend.room();
  }

  /** write(2) of a terminal: how many of the bytes were taken. */
  write(buf: Uint8Array, off: number, len: number): number {
    this.flushEchoes();
    if (this.stopped || this.echoes.length > 0) return 0;
    if ((this.termios.oflag & T.OPOST) === 0) return this.backend.write(buf, off, len);
    let done = 0;
    while (done < len) {
      const room = Math.min(this.backend.room(), CHUNK);
      this.used = 0;
      const start = done;
      while (done < len && this.used + this.width(buf[off + done]!) <= room) this.process(buf[off + done++]!);
      if (done === start) break;
      this.backend.write(out, 0, this.used);
    }
    return done;
  }

  /** Echoes a byte as typed: control characters as ^X under ECHOCTL. */
  echoChar(c: number): void {
    if ((this.termios.lflag & T.ECHOCTL) !== 0 && isControl(c) && c !== TAB) {
      this.queueByte(0x5e); // ^
      this.queueByte(c ^ 0x40);
      this.column += 2;
    } else {
      this.echoRaw(c);
    }
  }

  /** Echoes a byte through output processing only. */
  echoRaw(c: number): void {
    if ((this.termios.oflag & T.OPOST) === 0) {
      this.queueByte(c);
      return;
    }
    this.used = 0;
    this.process(c);
    this.queue(out, this.used);
  }

  /** Rubs out one column. */
  echoRubout(): void {
    this.echoRaw(BS);
    this.echoRaw(SPACE);
    this.echoRaw(BS);
  }

  /**
   * Moves back over a tab. `chars` columns precede it since the last tab, or since the start of the line when
   * `afterTab` is false.
   */
  echoEraseTab(chars: number, afterTab: boolean): void {
    const before = afterTab ? chars : chars + this.canonColumn;
    for (let back = 8 - (before & 7); back > 0; back--) {
      this.queueByte(BS);
      if (this.column > 0) this.column--;
    }
  }

  moveBackColumn(): void {
    if (this.column > 0) this.column--;
  }

  /** The next echoed character begins a line of input. */
  markCanonColumn(): void {
    this.canonColumn = this.column;
  }

  /** Sends what echo is waiting, as far as there is room. */
  flushEchoes(): void {
    while (!this.stopped && this.echoes.length > 0) {
      const n = this.echoes.peek(out, 0, Math.min(CHUNK, this.backend.room()));
      if (n === 0) return;
      this.backend.write(out, 0, n);
      this.echoes.drop(n);
    }
  }

  dropEchoes(): void {
    this.echoes.truncate(0);
  }

  private queueByte(c: number): void {
    out[0] = c;
    this.queue(out, 1);
  }

  private queue(buf: Uint8Array, len: number): void {
    if (this.echoes.room < len) this.flushEchoes();
    this.echoes.push(buf, 0, len);
  }

  /** Most bytes that process() makes of `c` now. */
  private width(c: number): number {
    if (c === NL) return 2;
    return c === TAB ? EXPANSION : 1;
  }

  /** Appends the output form of `c` to `out` and moves the column (do_output_char's rules). */
  private process(c: number): void {
    const oflag = this.termios.oflag;
    switch (c) {
      case NL:
        if ((oflag & T.ONLRET) !== 0) this.column = 0;
        if ((oflag & T.ONLCR) !== 0) {
          this.column = 0;
          out[this.used++] = CR;
        }
        this.canonColumn = this.column;
        break;
      case CR:
        if ((oflag & T.ONOCR) !== 0 && this.column === 0) return;
        if ((oflag & T.OCRNL) !== 0) {
          c = NL;
          if ((oflag & T.ONLRET) !== 0) this.canonColumn = this.column = 0;
        } else {
          this.canonColumn = this.column = 0;
        }
        break;
      case TAB: {
        const spaces = 8 - (this.column & 7);
        this.column += spaces;
        if ((oflag & T.TABDLY) === T.XTABS) {
          for (let i = 0; i < spaces; i++) out[this.used++] = SPACE;
          return;
        }
        break;
      }
      case BS:
        if (this.column > 0) this.column--;
        break;
      default:
        if (!isControl(c)) {
          if ((oflag & T.OLCUC) !== 0) c = upperCase(c);
          if (!this.isContinuation(c)) this.column++;
        }
    }
    out[this.used++] = c;
  }

  /** A UTF-8 continuation byte of a character, under IUTF8. */
  isContinuation(c: number): boolean {
    return (this.termios.iflag & T.IUTF8) !== 0 && (c & 0xc0) === 0x80;
  }
}

/** The kernel's letters are those of Latin-1. */
export function lowerCase(c: number): number {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0xc0 && c <= 0xde && c !== 0xd7) ? c + 0x20 : c;
}
function upperCase(c: number): number {
  return (c >= 0x61 && c <= 0x7a) || (c >= 0xe0 && c <= 0xfe && c !== 0xf7) ? c - 0x20 : c;
}

export function isControl(c: number): boolean {
  return c < 32 || c === 127;
}
