/** Consoles: terminals whose line is a raw pty of the host. */
import { EAGAIN, EIO } from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from '../../abi/poll.ts';
import { makedev } from '../../abi/stat.ts';
import { SIGWINCH } from '../../abi/signal.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { HostTtyBackend, TtyBackend } from './backend.ts';
import { ByteRing } from './byte-ring.ts';
import { PTS_MAJOR } from './pty.ts';
import { Tty } from './tty.ts';

/** Output that the host has not taken. */
const OUTPUT_LIMIT = 65_536;
const CHUNK = 4096;

export class ConsoleBackend implements TtyBackend {
  /** The host's side is closed: set for a console that goes with its last open file or with its other end. */
  onClose: (() => void) | null = null;
  private readonly host: HostTtyBackend;
  private readonly tty: Tty;
  private readonly output = new ByteRing(OUTPUT_LIMIT);
  /** Read from the host and not yet taken by the line discipline. */
  private readonly input = new ByteRing(CHUNK);
  private readonly chunk = new Uint8Array(CHUNK);
  private gone = false;
  private opens = 0;
  private closedHost = false;
  private onDrain: (() => void) | null = null;

  constructor(host: HostTtyBackend, tty: Tty) {
    this.host = host;
    this.tty = tty;
  }

  /** Begins to listen. */
  start(): void {
    const size = new Int32Array(4);
    if (this.host.getWinsize(size) >= 0) this.takeWinsize(size);
    this.host.watch((mask) => {
      if ((mask & POLLOUT) !== 0) this.flush();
      if ((mask & (POLLIN | POLLHUP | POLLERR)) !== 0) this.fill();
    });
    this.fill();
  }

  /** The host's window may have changed: SIGWINCH to the foreground group when it has. */
  refreshWinsize(): void {
    const size = new Int32Array(4);
    const { tty } = this;
    if (this.host.getWinsize(size) < 0) return;
    const same =
      size[0] === tty.rows && size[1] === tty.cols && size[2] === tty.xpixel && size[3] === tty.ypixel;
    if (same) return;
    this.takeWinsize(size);
    tty.signal(SIGWINCH);
  }

  admit(): number {
    return this.gone || this.closedHost ? -EIO : 0;
  }
  opened(): void {
    this.opens++;
  }
  closed(): void {
    this.opens--;
    this.closeUnused();
  }

  /** Calls back once the host has all output, or will take no more. */
  whenDrained(callback: () => void): void {
    if (this.output.length === 0) callback();
    else this.onDrain = callback;
  }

  write(buf: Uint8Array, off: number, len: number): number {
    if (this.gone) return len;
    if (this.output.length > 0) return this.output.push(buf, off, len);
    const n = this.host.write(buf, off, len);
    if (n < 0 && n !== -EAGAIN) {
      this.lost();
      return len;
    }
    const sent = Math.max(n, 0);
    return sent + this.output.push(buf, off + sent, len - sent);
  }
  room(): number {
    return this.output.room;
  }
  pending(): number {
    return this.output.length;
  }
  flushOutput(): void {
    this.output.truncate(0);
    this.tty.outputReady();
    this.drained();
  }
  inputDrained(): void {
    while (this.input.length > 0) {
      const n = this.input.peek(this.chunk, 0, CHUNK);
      const taken = this.tty.receive(this.chunk, 0, n);
      this.input.drop(taken);
      if (taken < n) return;
    }
    this.fill();
  }
  packetEvent(): void {
    // packet mode is a master's
  }
  winsizeChanged(rows: number, cols: number, xpixel: number, ypixel: number): void {
    this.host.setWinsize(rows, cols, xpixel, ypixel);
  }

  /** Takes over what has not left: for the very end. */
  takeOutput(): Uint8Array {
    const rest = new Uint8Array(this.output.length);
    this.output.shift(rest, 0, rest.length);
    return rest;
  }

  private takeWinsize(size: Int32Array): void {
    this.tty.rows = size[0]!;
    this.tty.cols = size[1]!;
    this.tty.xpixel = size[2]!;
    this.tty.ypixel = size[3]!;
  }

  private filling = false;

  /** Reads the host until it has nothing more, or the line discipline refuses. Readiness is edge-triggered. */
  private fill(): void {
    // receive() may call inputDrained(), which comes back here.
    if (this.filling) return;
    this.filling = true;
    while (!this.gone && this.input.length === 0) {
      const n = this.host.read(this.chunk, 0, CHUNK);
      if (n === -EAGAIN) break;
      if (n <= 0) {
        this.lost();
        break;
      }
      const taken = this.tty.receive(this.chunk, 0, n);
      this.input.push(this.chunk, taken, n - taken);
    }
    this.filling = false;
  }

  private flush(): void {
    while (this.output.length > 0) {
      const n = this.output.peek(this.chunk, 0, CHUNK);
      const sent = this.host.write(this.chunk, 0, n);
      if (sent === -EAGAIN) break;
      if (sent < 0) {
        this.lost();
        return;
      }
      this.output.drop(sent);
      if (sent < n) break;
    }
    this.tty.outputReady();
    this.drained();
  }

  private drained(): void {
    if (this.output.length > 0) return;
    const callback = this.onDrain;
    this.onDrain = null;
    callback?.();
    this.closeUnused();
  }

  /** Of a console that goes with its last open file: now, if there is none. */
  closeUnused(): void {
    if (this.onClose === null || this.closedHost) return;
    if (!this.gone && (this.opens > 0 || this.output.length > 0)) return;
    this.closedHost = true;
    this.host.close();
    this.onClose();
  }

  /** The other end has gone. */
  private lost(): void {
    if (this.gone) return;
    this.gone = true;
    this.output.truncate(0);
    this.tty.hangup();
    this.drained();
  }
}

export interface Console {
  readonly tty: Tty;
  readonly backend: ConsoleBackend;
  /** Its number in devpts. */
  readonly index: number;
}

/** Makes the console that is slave `index` of devpts. */
export function makeConsole(kernel: Kernel, host: HostTtyBackend, index: number): Console {
  let backend!: ConsoleBackend;
  const tty = new Tty(
    kernel,
    makedev(PTS_MAJOR, index),
    (self) => (backend = new ConsoleBackend(host, self)),
  );
  backend.start();
  return { tty, backend, index };
}
