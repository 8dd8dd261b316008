/** Netlink messages: header, family part, attributes, each padded to four bytes (netlink(3)). */
import { NLMSG_HEADER } from '../../../abi/netlink.ts';
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../../abi/socket.ts';
import type { Ip } from '../../stack/ip.ts';
import { isV4, putV4, putV6 } from '../../stack/ip.ts';

/** One message of an answer; the caller adds sequence number and port. */
export interface Answer {
  readonly type: number;
  readonly message: NetlinkWriter;
}

export class NetlinkWriter {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  private length = NLMSG_HEADER;

  u8(value: number): this {
    this.room(1);
    this.bytes[this.length++] = value;
    return this;
  }
  u16(value: number): this {
    this.room(2);
    this.view.setUint16(this.length, value, true);
    this.length += 2;
    return this;
  }
  u32(value: number): this {
    this.room(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
    return this;
  }
  raw(data: Uint8Array): this {
    this.room(data.length + 4);
    this.bytes.set(data, this.length);
    this.length = (this.length + data.length + 3) & ~3;
    return this;
  }
  attribute(type: number, data: Uint8Array): this {
    return this.u16(4 + data.length)
      .u16(type)
      .raw(data);
  }
  attributeU32(type: number, value: number): this {
    return this.u16(8).u16(type).u32(value);
  }
  attributeText(type: number, text: string): this {
    return this.attribute(type, Uint8Array.from([...text, '\0'].map((c) => c.charCodeAt(0))));
  }

  /** The finished message. */
  finish(type: number, flags: number, seq: number, port: number): Uint8Array {
    this.view.setUint32(0, this.length, true);
    this.view.setUint16(4, type, true);
    this.view.setUint16(6, flags, true);
    this.view.setUint32(8, seq, true);
    this.view.setUint32(12, port, true);
    return this.bytes.slice(0, this.length);
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const bigger = new Uint8Array(2 * (this.bytes.length + more));
    bigger.set(this.bytes);
    this.bytes = bigger;
    this.view = new DataView(bigger.buffer);
  }
}

/** Messages of a dump are packed into datagrams of at most this size, which every reader has room for. */
const DUMP_DATAGRAM = 4096;

/** Messages in as few datagrams as can be. */
export function packed(messages: readonly Uint8Array[]): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  for (let first = 0; first < messages.length;) {
    let last = first;
    let size = 0;
    while (last < messages.length) {
      const more = (messages[last]!.length + 3) & ~3;
      if (size > 0 && size + more > DUMP_DATAGRAM) break;
      size += more;
      last++;
    }
    const datagram = new Uint8Array(size);
    for (let at = 0; first < last; first++) {
      datagram.set(messages[first]!, at);
      at += (messages[first]!.length + 3) & ~3;
    }
    datagrams.push(datagram);
  }
  return datagrams;
}

/** An attribute of a request, from `from` on. */
export function findAttribute(body: Uint8Array, from: number, type: number): Uint8Array | null {
  for (let at = from; at + 4 <= body.length;) {
    const length = body[at]! | (body[at + 1]! << 8);
    if (length < 4 || at + length > body.length) return null;
    if ((body[at + 2]! | (body[at + 3]! << 8)) === type) return body.subarray(at + 4, at + length);
    at += (length + 3) & ~3;
  }
  return null;
}

export function wanted(ip: Ip, family: number): boolean {
  return family === AF_UNSPEC || family === familyOf(ip);
}
export function familyOf(ip: Ip): number {
  return isV4(ip) ? AF_INET : AF_INET6;
}
export function bytesOf(ip: Ip): Uint8Array {
  const out = new Uint8Array(isV4(ip) ? 4 : 16);
  if (isV4(ip)) putV4(ip, out, 0);
  else putV6(ip, out, 0);
  return out;
}
