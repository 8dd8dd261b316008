/**
 * What comes back about things sent besides errors: when they went (SO_TIMESTAMPING), and that memory is free again
 * (MSG_ZEROCOPY). Both are read from the error queue (recv(2), MSG_ERRQUEUE).
 */
import { ENOMSG } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { MSG_ERRQUEUE, MSG_TRUNC } from '../../../abi/socket.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import type { Message } from '../message.ts';
import type { SocketOptions } from '../options.ts';
import { sendingTime } from '../timestamps.ts';

const SO_EE_ORIGIN_TIMESTAMPING = 4;
const SO_EE_ORIGIN_ZEROCOPY = 5;
const SO_EE_CODE_ZEROCOPY_COPIED = 1;
/** struct sock_extended_err. */
const EXTENDED_ERR_SIZE = 16;
/** An entry's bookkeeping, as far as SO_RCVBUF goes. */
const OVERHEAD = 768;

interface Completion {
  readonly origin: number;
  /** Of a time: which one (SCM_TSTAMP_), and the key of what was sent. Of memory: the first send and the last. */
  readonly info: number;
  last: number;
  readonly timeNs: number;
  readonly data: Uint8Array;
}

const NOTHING = new Uint8Array(0);

export class Completions {
  private readonly entries: Completion[] = [];
  private held = 0;
  /** MSG_ZEROCOPY: sends are numbered. */
  private sends = 0;

  get empty(): boolean {
    return this.entries.length === 0;
  }

  /** A send by MSG_ZEROCOPY has been copied: its memory is free at once. */
  addCopied(): void {
    const id = this.sends;
    this.sends = (this.sends + 1) >>> 0;
    const tail = this.entries.at(-1);
    if (tail?.origin === SO_EE_ORIGIN_ZEROCOPY && tail.last + 1 === id) tail.last = id;
    else this.add({ origin: SO_EE_ORIGIN_ZEROCOPY, info: id, last: id, timeNs: 0, data: NOTHING }, Infinity);
  }

  addTime(which: number, key: number, timeNs: number, data: Uint8Array, limit: number): void {
    this.add({ origin: SO_EE_ORIGIN_TIMESTAMPING, info: which, last: key, timeNs, data }, limit);
  }

  private add(entry: Completion, limit: number): void {
    const size = entry.data.length + OVERHEAD;
    if (this.held + size > limit) return;
    this.held += size;
    this.entries.push(entry);
  }

  /** The next entry as a message; its length, or null when there is none. */
  receive(msg: Message, options: SocketOptions, v6: boolean): number | null {
    const entry = this.entries.shift();
    if (entry === undefined) return null;
    this.held -= entry.data.length + OVERHEAD;
    const n = Math.min(msg.len, entry.data.length);
    copyBytes(msg.buf, msg.off, entry.data, 0, n);
    msg.outFlags |= MSG_ERRQUEUE | (n < entry.data.length ? MSG_TRUNC : 0);
    // Nobody complained: there is no address.
    const data = new Uint8Array(EXTENDED_ERR_SIZE + (v6 ? abi.SOCKADDR_IN6_SIZE : abi.SOCKADDR_IN_SIZE));
    const v = new DataView(data.buffer);
    const copied = entry.origin === SO_EE_ORIGIN_ZEROCOPY;
    v.setUint32(0, copied ? 0 : ENOMSG, true);
    data[4] = entry.origin;
    data[6] = copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0;
    v.setUint32(8, entry.info, true);
    v.setUint32(12, entry.last, true);
    const level = v6 ? abi.IPPROTO_IPV6 : abi.IPPROTO_IP;
    const control = copied ? [] : sendingTime(options, entry.timeNs);
    msg.control = [...control, { level, type: v6 ? abi.IPV6_RECVERR : abi.IP_RECVERR, data }];
    return n;
  }

  clear(): void {
    this.entries.length = 0;
    this.held = 0;
  }
}
