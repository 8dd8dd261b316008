/** Rings of received packets: what they have in common, and how a request for one is judged (packet_mmap). */
import { EINVAL } from '../../../abi/errno.ts';
import * as abi from '../../../abi/packet.ts';

/** A packet on its way into a ring. */
export interface RingPacket {
  /** A frame, or (SOCK_DGRAM) a packet; what was there before a filter cut it; where its network header is. */
  readonly data: Uint8Array;
  readonly length: number;
  readonly network: number;
  /** struct sockaddr_ll. */
  readonly address: Uint8Array;
  readonly timeNs: number;
}

export interface Ring {
  /** False: there is no room. `status`: bits that are to be set beside TP_STATUS_USER. */
  put(packet: RingPacket, status: number): boolean;
  readonly readable: boolean;
  free(): void;
}

/** struct tpacket_req, or its longer form of version 3. */
export interface RingRequest {
  readonly blockSize: number;
  readonly blocks: number;
  readonly frameSize: number;
  readonly frames: number;
  readonly timeoutMs: number;
  readonly privateSize: number;
}

const PAGE = 4096;
const BLOCK_HEADER = 48;

export function readRequest(value: Uint8Array, version: number): RingRequest | number {
  const long = version === abi.TPACKET_V3;
  if (value.length < (long ? abi.TPACKET_REQ3_SIZE : abi.TPACKET_REQ_SIZE)) return -EINVAL;
  const v = new DataView(value.buffer, value.byteOffset, value.length);
  return {
    blockSize: v.getUint32(0, true),
    blocks: v.getUint32(4, true),
    frameSize: v.getUint32(8, true),
    frames: v.getUint32(12, true),
    timeoutMs: long ? v.getUint32(16, true) : 0,
    privateSize: long ? v.getUint32(20, true) : 0,
  };
}

/** 0, or -EINVAL: blocks are pages, and hold whole frames, each with room for its header. */
export function checkRequest(r: RingRequest, version: number, reserve: number): number {
  if (r.blocks === 0) return r.frames === 0 ? 0 : -EINVAL;
  if ((r.blockSize | 0) <= 0 || r.blockSize % PAGE !== 0) return -EINVAL;
  const header = abi.TPACKET_HEADERS[version]! + abi.SOCKADDR_LL_SIZE;
  const least = header + reserve;
  if (version === abi.TPACKET_V3) {
    const room = r.blockSize - (BLOCK_HEADER + Math.ceil(r.privateSize / 8) * 8);
    if (room < Math.ceil(least / 8) * 8) return -EINVAL;
  }
  if (r.frameSize < least || r.frameSize % abi.TPACKET_ALIGNMENT !== 0) return -EINVAL;
  const perBlock = Math.floor(r.blockSize / r.frameSize);
  return perBlock === 0 || perBlock * r.blocks !== r.frames ? -EINVAL : 0;
}

/** Where in a frame the packet's network header goes, and where its first byte. */
export function placesOf(version: number, packet: RingPacket, reserve: number): { net: number; mac: number } {
  const header = abi.TPACKET_HEADERS[version]! + abi.SOCKADDR_LL_SIZE;
  const before = packet.network;
  const net =
    before === 0 ? aligned(header) + 16 + reserve : aligned(header + Math.max(16, before)) + reserve;
  return { net, mac: net - before };
}

function aligned(n: number): number {
  return Math.ceil(n / abi.TPACKET_ALIGNMENT) * abi.TPACKET_ALIGNMENT;
}
