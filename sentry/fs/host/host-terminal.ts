/** The raw host pty behind the container's console: what sentry/fs/tty's line discipline reads from and writes to. */
import { EAGAIN } from '../../abi/errno.ts';
import { POLLERR, POLLHUP, READABLE, WRITABLE } from '../../abi/poll.ts';
import { addon } from '../../../native/addon.ts';
import type { HostPoller } from './host-inode.ts';

/** One write that a terminal polling writable takes without waiting. */
const SAFE_WRITE = 512;

export class HostTerminal {
  private readonly fd: number;
  private readonly poller: HostPoller;

  /** The terminal goes into raw mode; its window size stays. */
  constructor(fd: number, poller: HostPoller) {
    this.fd = fd;
    this.poller = poller;
    addon.ttyRaw(fd);
  }

  /** A count, 0 at the end (the terminal was closed), or a negated errno. */
  read(buf: Uint8Array, off: number, len: number): number {
    if ((addon.poll(this.fd, READABLE) & (READABLE | POLLHUP | POLLERR)) === 0) return -EAGAIN;
    return addon.read(this.fd, buf, off, len);
  }

  write(buf: Uint8Array, off: number, len: number): number {
    let done = 0;
    while (done < len) {
      if ((addon.poll(this.fd, WRITABLE) & (WRITABLE | POLLERR | POLLHUP)) === 0) break;
      const n = addon.write(this.fd, buf, off + done, Math.min(len - done, SAFE_WRITE));
      if (n <= 0) return done > 0 ? done : n;
      done += n;
    }
    return done > 0 || len === 0 ? done : -EAGAIN;
  }

  watch(callback: (mask: number) => void): void {
    this.poller.watch(this.fd, callback);
  }
  close(): void {
    this.poller.unwatch(this.fd);
    addon.close(this.fd);
  }
  getWinsize(out: Int32Array): number {
    return addon.getWinsize(this.fd, out);
  }
  setWinsize(rows: number, cols: number, xpixel: number, ypixel: number): number {
    return addon.setWinsize(this.fd, rows, cols, xpixel, ypixel);
  }
}
