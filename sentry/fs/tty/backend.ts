/** What lies below a terminal: the other side of a pty, or a raw pty of the host. */

/** The driver of one terminal. Bytes that it receives go to Tty.receive(). */
export interface TtyBackend {
  /** May the terminal be opened now? 0 or a negated errno. */
  admit(): number;
  /** One more or one less open file. */
  opened(): void;
  closed(): void;
  /** Takes output bytes; returns how many (0: full, Tty.outputReady() follows later). Never negative. */
  write(buf: Uint8Array, off: number, len: number): number;
  /** How many bytes write() would take now. */
  room(): number;
  /** Bytes that were written and have not reached their reader: TIOCOUTQ. */
  pending(): number;
  /** Drops output that has not left yet (TCOFLSH, and a signal character without NOFLSH). */
  flushOutput(): void;
  /** The terminal can take input again after receive() took less than it was given. */
  inputDrained(): void;
  /** A packet-mode event for the master (TIOCPKT_ bits); others ignore it. */
  packetEvent(bits: number): void;
  /** TIOCSWINSZ was done here. */
  winsizeChanged(rows: number, cols: number, xpixel: number, ypixel: number): void;
}

/**
 * A raw host terminal (a console) as the Sentry can use it: non-blocking reads and writes of a host
 * descriptor, and its readiness. `read` and `write` return a count, 0 at end of file, or a negated errno (-EAGAIN).
 */
export interface HostTtyBackend {
  read(buf: Uint8Array, off: number, len: number): number;
  write(buf: Uint8Array, off: number, len: number): number;
  /** Calls back with poll(2) bits whenever readiness changes (edge-triggered). */
  watch(callback: (mask: number) => void): void;
  /** rows, cols, xpixel, ypixel; 0 or a negated errno. */
  getWinsize(out: Int32Array): number;
  setWinsize(rows: number, cols: number, xpixel: number, ypixel: number): number;
  /** Lets go of it: the other side sees a hang-up. */
  close(): void;
}
