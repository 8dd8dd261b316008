import { beforeEach, describe, expect, it } from 'vitest';
import { EAGAIN } from '../../../sentry/abi/errno.ts';
import { SIGINT, SIGQUIT, SIGTSTP } from '../../../sentry/abi/signal.ts';
import * as T from '../../../sentry/abi/termios.ts';
import type { TtyBackend } from '../../../sentry/fs/tty/backend.ts';
import { LineDiscipline } from '../../../sentry/fs/tty/line-discipline.ts';
import { Termios } from '../../../sentry/fs/tty/termios.ts';

/** The wire below the terminal: collects output, offers bounded room. */
class Wire implements TtyBackend {
  text = '';
  capacity = Infinity;
  packets = 0;
  admit(): number {
    return 0;
  }
  opened(): void {
    // not counted here
  }
  closed(): void {
    // not counted here
  }
  write(buf: Uint8Array, off: number, len: number): number {
    const n = Math.min(len, this.capacity);
    this.capacity -= n;
    this.text += Buffer.from(buf.subarray(off, off + n)).latin1Slice();
    return n;
  }
  room(): number {
    return Math.min(this.capacity, 1 << 20);
  }
  pending(): number {
    return 0;
  }
  flushOutput(): void {
    this.text += '<flush>';
  }
  inputDrained(): void {
    // nothing is kept back
  }
  packetEvent(bits: number): void {
    this.packets |= bits;
  }
  winsizeChanged(): void {
    // no window
  }
}

let wire: Wire;
let termios: Termios;
let line: LineDiscipline;
let signals: number[];

beforeEach(() => {
  wire = new Wire();
  termios = new Termios();
  signals = [];
  line = new LineDiscipline(termios, wire, {
    signal: (signo) => signals.push(signo),
    inputReady: () => undefined,
    flowChanged: () => undefined,
  });
});

function type(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return line.receive(bytes, 0, bytes.length);
}
function print(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return line.output.write(bytes, 0, bytes.length);
}
function read(len = 8192): string | number {
  const buf = Buffer.alloc(len);
  const n = line.read(buf, 0, len);
  return n < 0 ? n : buf.latin1Slice(0, n);
}
function echoed(): string {
  const { text } = wire;
  wire.text = '';
  return text;
}
function set(change: (t: Termios) => void): void {
  const old = termios.lflag;
  change(termios);
  line.termiosChanged(old);
}

describe('canonical input', () => {
  it('gives whole lines only, CR as NL, and echoes CR LF', () => {
    type('ab');
    expect(read()).toBe(-EAGAIN);
    type('c\r');
    expect(read()).toBe('abc\n');
    expect(echoed()).toBe('abc\r\n');
    expect(read()).toBe(-EAGAIN);
  });
  it('gives one line per read, and a long one in pieces', () => {
    type('one\ntwo\n');
    expect(read()).toBe('one\n');
    expect(read(2)).toBe('tw');
    expect(read(2)).toBe('o\n');
  });
  it('^D ends a line without itself, and reads as end of file when alone', () => {
    type('x\x04');
    expect(read()).toBe('x');
    type('\x04');
    expect(read()).toBe('');
    expect(read()).toBe(-EAGAIN);
    expect(echoed()).toBe('x');
  });
  it('erases characters, words and the line', () => {
    type('abc\x7f\x7f');
    expect(echoed()).toBe('abc\b \b\b \b');
    type('b foo bar\x17');
    expect(echoed()).toBe('b foo bar\b \b\b \b\b \b');
    type('\x15');
    expect(echoed()).toBe('\b \b'.repeat('ab foo '.length));
    type('z\n');
    expect(read()).toBe('z\n');
  });
  it('erases nothing at the start of a line', () => {
    type('a\n');
    echoed();
    type('\x7f\x17\x15');
    expect(echoed()).toBe('');
  });
  it('erases a control character as two columns and a tab as far as it reached', () => {
    type('\x16\x01\x7f');
    expect(echoed()).toBe('^\b^A\b \b\b \b');
    print('12345');
    echoed();
    type('ab\t\x7f');
    expect(echoed()).toBe('ab\t\b');
    type('\x7f\x7f\tc\t\x7f\x7f\x7f');
    expect(echoed()).toBe('\b \b\b \b\tc\t' + '\b'.repeat(7) + '\b \b' + '\b'.repeat(3));
  });
  it('erases whole UTF-8 characters under IUTF8', () => {
    set((t) => (t.iflag |= T.IUTF8));
    type('a\xc3\xa9\x7fb\n');
    expect(read()).toBe('ab\n');
    expect(echoed()).toBe('a\xc3\xa9\b \bb\r\n');
  });
  it('echoes kills plainly without ECHOKE and erasures as \\.../ under ECHOPRT', () => {
    set((t) => (t.lflag &= ~T.ECHOKE));
    type('ab\x15');
    expect(echoed()).toBe('ab^U\r\n');
    set((t) => (t.lflag |= T.ECHOPRT | T.ECHOKE));
    type('ab\x7f\x7fc\n');
    expect(echoed()).toBe('ab\\ba/c\r\n');
    expect(read()).toBe('c\n');
  });
  it('takes the next character literally after ^V', () => {
    type('\x16\x03\x16\x04\n');
    expect(signals).toEqual([]);
    expect(read()).toBe('\x03\x04\n');
    expect(echoed()).toBe('^\b^C^\b^D\r\n');
  });
  it('reprints the line at ^R', () => {
    type('hi\x12');
    expect(echoed()).toBe('hi^R\r\nhi');
  });
  it('keeps 4095 bytes of a line and its end, dropping the rest', () => {
    expect(type('y'.repeat(5000) + '\n')).toBe(5001);
    expect(read()).toBe('y'.repeat(4095) + '\n');
  });
  it('refuses input while a full queue holds a complete line', () => {
    type('q'.repeat(2000) + '\n');
    expect(type('r'.repeat(4000))).toBe(4095 - 2001);
    expect(line.readable()).toBe(true);
  });
  it('ends lines at EOL and EOL2', () => {
    set((t) => {
      t.cc[T.VEOL] = 0x3b;
      t.cc[T.VEOL2] = 0x2c;
    });
    type('a;b,c\n');
    expect([read(), read(), read()]).toEqual(['a;', 'b,', 'c\n']);
  });
  it('counts for FIONREAD what whole lines hold, ^D not', () => {
    type('abc\nde');
    expect(line.inputCount()).toBe(4);
    type('\x04');
    expect(line.inputCount()).toBe(6);
  });
  it('maps characters on input: IGNCR, INLCR, IUCLC, ISTRIP', () => {
    set((t) => (t.iflag |= T.IGNCR));
    type('a\rb\n');
    expect(read()).toBe('ab\n');
    set((t) => (t.iflag = T.INLCR | T.IUCLC | T.ISTRIP));
    type('X\n\xe1\x04');
    expect(read()).toBe('x\ra');
  });
});

describe('signals and flow', () => {
  it('sends signals for ^C ^\\ ^Z, flushing input and echoing', () => {
    type('junk\x03');
    expect(signals).toEqual([SIGINT]);
    expect(echoed()).toBe('<flush>^C');
    type('\x1c\x1a');
    expect(signals).toEqual([SIGINT, SIGQUIT, SIGTSTP]);
    type('ok\n');
    expect(read()).toBe('ok\n');
  });
  it('keeps input under NOFLSH and bytes without ISIG', () => {
    set((t) => (t.lflag |= T.NOFLSH));
    type('a\x03b\n');
    expect(read()).toBe('ab\n');
    set((t) => (t.lflag &= ~T.ISIG));
    signals = [];
    type('\x03\n');
    expect(read()).toBe('\x03\n');
    expect(signals).toEqual([]);
  });
  it('holds output between ^S and ^Q', () => {
    type('\x13');
    expect(print('held')).toBe(0);
    expect(wire.packets).toBe(T.TIOCPKT_STOP);
    type('x');
    expect(echoed()).toBe('');
    type('\x11');
    expect(echoed()).toBe('x');
    expect(print('free')).toBe(4);
  });
  it('any character restarts output under IXANY', () => {
    set((t) => (t.iflag |= T.IXANY));
    type('\x13z');
    expect(echoed()).toBe('z');
  });
  it('^Q does not undo TCOOFF', () => {
    line.suspend(true);
    type('\x11');
    expect(print('a')).toBe(0);
    line.suspend(false);
    expect(print('a')).toBe(1);
  });
});

describe('raw input', () => {
  beforeEach(() => set((t) => (t.lflag = 0)));

  it('gives bytes as they come, without echo', () => {
    type('a\x03\r');
    expect(read(2)).toBe('a\x03');
    expect(read()).toBe('\n');
    expect(echoed()).toBe('');
  });
  it('is readable from VMIN bytes on', () => {
    set((t) => (t.cc[T.VMIN] = 3));
    type('ab');
    expect(line.readable()).toBe(false);
    type('c');
    expect(line.readable()).toBe(true);
  });
  it('doubles 0xff under PARMRK', () => {
    set((t) => (t.iflag |= T.PARMRK));
    type('\xff');
    expect(read()).toBe('\xff\xff');
  });
  it('unread bytes become one line when ICANON comes back, and bytes when it goes', () => {
    type('abc');
    set((t) => (t.lflag = T.ICANON));
    expect(read()).toBe('abc');
    type('half');
    set((t) => (t.lflag = 0));
    expect(read()).toBe('half');
  });
  it('stops taking input when 4095 bytes wait', () => {
    expect(type('.'.repeat(6000))).toBe(4095);
    read(1000);
    expect(type('.'.repeat(6000))).toBe(1000);
  });
});

describe('output', () => {
  it('maps as OPOST flags say', () => {
    print('a\nb');
    expect(echoed()).toBe('a\r\nb');
    set((t) => (t.oflag = T.OPOST | T.OCRNL | T.OLCUC | T.XTABS));
    print('q\r\tx');
    expect(echoed()).toBe('Q\n      X');
    set((t) => (t.oflag = T.ONLCR));
    print('\n');
    expect(echoed()).toBe('\n');
  });
  it('takes what fits and never splits CR LF', () => {
    wire.capacity = 4;
    expect(print('abc\nd')).toBe(3);
    wire.capacity = 3;
    expect(print('\nd')).toBe(2);
    expect(echoed()).toBe('abc\r\nd');
  });
  it('keeps echo that finds no room and sends it first', () => {
    wire.capacity = 0;
    type('hey');
    expect(print('out')).toBe(0);
    wire.capacity = 100;
    expect(print('out')).toBe(3);
    expect(echoed()).toBe('heyout');
  });
});
