/** One connection to the control socket: lines of text in both directions, descriptors towards the Sentry. */
import { EAGAIN } from '../../sentry/abi/errno.ts';
import { POLLERR, POLLHUP, READABLE } from '../../sentry/abi/poll.ts';
import { addon } from '../../native/addon.ts';
import type { Platform } from '../../platform/platform.ts';
import { CONTROL_LINE_LIMIT_BYTES } from '../sandbox/control-messages.ts';

const CHUNK_BYTES = 1 << 16;
const MAX_DESCRIPTORS = 253;
const NEWLINE = 10;

const chunk = new Uint8Array(CHUNK_BYTES);
const received = new Int32Array(MAX_DESCRIPTORS + 1);
const given = new Int32Array(1);

/** Descriptors that came with a request. What nobody takes is closed when the request has been handled. */
export class RequestFds {
  private readonly fds: number[];

  constructor(fds: number[]) {
    this.fds = fds;
  }

  /** The descriptor at an index, now the caller's to close; -1 when there is none. */
  take(index: number | undefined): number {
    const fd = index === undefined ? undefined : this.fds[index];
    if (fd === undefined) return -1;
    this.fds[index!] = -1;
    return fd;
  }

  closeRest(): void {
    for (const fd of this.fds) if (fd >= 0) addon.close(fd);
    this.fds.length = 0;
  }
}

export type OnRequest = (line: string, fds: RequestFds, connection: ControlConnection) => void;

export class ControlConnection {
  /** The other side is gone, or was cut off for breaking the protocol. */
  onClose: () => void = () => undefined;
  private readonly platform: Platform;
  private readonly fd: number;
  private readonly onRequest: OnRequest;
  private text: Buffer = Buffer.alloc(0);
  private fds: number[] = [];
  private open = true;

  constructor(platform: Platform, fd: number, onRequest: OnRequest) {
    this.platform = platform;
    this.fd = fd;
    this.onRequest = onRequest;
    platform.watch(fd, (mask) => {
      if ((mask & (READABLE | POLLHUP | POLLERR)) !== 0) this.read();
    });
    // What came before the watch has no edge of its own.
    this.read();
  }

  /**
   * `fd` goes with it. A reply that does not fit into the socket's buffer ends the connection: replies are small, and
   * few.
   */
  send(reply: object, fd = -1): void {
    if (!this.open) return;
    const line = Buffer.from(`${JSON.stringify(reply)}\n`);
    given[0] = fd;
    if (addon.sendMsg(this.fd, line, 0, line.length, given, fd < 0 ? 0 : 1) !== line.length) this.close();
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.platform.unwatch(this.fd);
    addon.close(this.fd);
    new RequestFds(this.fds).closeRest();
    this.onClose();
  }

  private read(): void {
    while (this.open) {
      const n = addon.recvMsg(this.fd, chunk, 0, chunk.length, received);
      if (n === -EAGAIN) return;
      for (let i = 0; i < received[MAX_DESCRIPTORS]!; i++) this.fds.push(received[i]!);
      if (n <= 0) {
        this.close();
        return;
      }
      this.text = Buffer.concat([this.text, chunk.subarray(0, n)]);
      this.takeLines();
      if (this.text.length > CONTROL_LINE_LIMIT_BYTES || this.fds.length > MAX_DESCRIPTORS) this.close();
    }
  }

  private takeLines(): void {
    for (let end = this.text.indexOf(NEWLINE); end >= 0 && this.open; end = this.text.indexOf(NEWLINE)) {
      const line = this.text.toString('utf8', 0, end);
      this.text = this.text.subarray(end + 1);
      const fds = new RequestFds(this.fds);
      this.fds = [];
      this.onRequest(line, fds, this);
      fds.closeRest();
    }
  }
}
