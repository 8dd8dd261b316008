/** A terminal's attributes and their three guest layouts: struct termios, termios2 and the old termio. */
import * as T from '../../abi/termios.ts';

const view = new DataView(new ArrayBuffer(T.TERMIOS2_SIZE));
const raw = new Uint8Array(view.buffer);

/** cc as Linux starts a terminal: ^C ^\ DEL ^U ^D 0 1 0 ^Q ^S ^Z 0 ^R ^O ^W ^V 0 */
const DEFAULT_CC = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0];

export class Termios {
  iflag = T.ICRNL | T.IXON;
  oflag = T.OPOST | T.ONLCR;
  cflag = T.B38400 | T.CS8 | T.CREAD;
  lflag = T.ISIG | T.ICANON | T.ECHO | T.ECHOE | T.ECHOK | T.ECHOCTL | T.ECHOKE | T.IEXTEN;
  line = T.N_TTY;
  ispeed = 38400;
  ospeed = 38400;
  readonly cc = Uint8Array.from(DEFAULT_CC);

  copyFrom(other: Termios): void {
    this.iflag = other.iflag;
    this.oflag = other.oflag;
    this.cflag = other.cflag;
    this.lflag = other.lflag;
    this.line = other.line;
    this.ispeed = other.ispeed;
    this.ospeed = other.ospeed;
    this.cc.set(other.cc);
  }

  /** struct termios (36 bytes) or termios2 (44). The array is reused by the next call. */
  encode(size: number): Uint8Array {
    view.setUint32(0, this.iflag, true);
    view.setUint32(4, this.oflag, true);
    view.setUint32(8, this.cflag, true);
    view.setUint32(12, this.lflag, true);
    raw[16] = this.line;
    raw.set(this.cc, 17);
    view.setUint32(36, this.ispeed, true);
    view.setUint32(40, this.ospeed, true);
    return raw.subarray(0, size);
  }

  decode(from: Uint8Array): void {
    const v = new DataView(from.buffer, from.byteOffset, from.byteLength);
    this.iflag = v.getUint32(0, true);
    this.oflag = v.getUint32(4, true);
    this.cflag = v.getUint32(8, true);
    this.lflag = v.getUint32(12, true);
    this.line = from[16]!;
    this.cc.set(from.subarray(17, 17 + T.NCCS));
    if (from.length >= T.TERMIOS2_SIZE) {
      this.ispeed = v.getUint32(36, true);
      this.ospeed = v.getUint32(40, true);
    }
    this.settleSpeeds();
  }

  /** struct termio: 16-bit flags and eight control characters. */
  encodeOld(): Uint8Array {
    view.setUint16(0, this.iflag & 0xffff, true);
    view.setUint16(2, this.oflag & 0xffff, true);
    view.setUint16(4, this.cflag & 0xffff, true);
    view.setUint16(6, this.lflag & 0xffff, true);
    raw[8] = this.line;
    raw.set(this.cc.subarray(0, T.NCC), 9);
    raw[17] = 0;
    return raw.subarray(0, T.TERMIO_SIZE);
  }

  decodeOld(from: Uint8Array): void {
    const v = new DataView(from.buffer, from.byteOffset, from.byteLength);
    this.iflag = (this.iflag & ~0xffff) | v.getUint16(0, true);
    this.oflag = (this.oflag & ~0xffff) | v.getUint16(2, true);
    this.cflag = (this.cflag & ~0xffff) | v.getUint16(4, true);
    this.lflag = (this.lflag & ~0xffff) | v.getUint16(6, true);
    this.line = from[8]!;
    this.cc.set(from.subarray(9, 9 + T.NCC));
    this.settleSpeeds();
  }

  /** Speeds follow the CBAUD code unless it says BOTHER; a pty's input and output speed are one. */
  private settleSpeeds(): void {
    if ((this.cflag & T.CBAUD) !== T.BOTHER) this.ospeed = baud(this.cflag);
    const input = (this.cflag >>> T.IBSHIFT) & T.CBAUD;
    if (input === 0) this.ispeed = this.ospeed;
    else if (input !== T.BOTHER) this.ispeed = baud(input);
  }
}

function baud(cflag: number): number {
  const code = (cflag & 0xf) | ((cflag & T.BOTHER) === 0 ? 0 : 16);
  return T.BAUD_RATES[code] ?? 0;
}
