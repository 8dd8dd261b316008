/** TPACKET_V3: a ring of blocks of packets, each handed over when it is full or has waited long enough. */
import * as abi from '../../../abi/packet.ts';
import type { StackHost } from '../../stack/settings.ts';
import { Timer } from '../../../time/timers.ts';
import { placesOf } from './ring.ts';
import type { Ring, RingPacket, RingRequest } from './ring.ts';
import type { RingMemory } from './ring-memory.ts';

/** struct tpacket_block_desc, of which these are the fields. */
const BLOCK_HEADER = 48;
const OFFSET_TO_PRIVATE = 4;
const STATUS = 8;
const COUNT = 12;
const FIRST = 16;
const LENGTH = 20;
const SEQUENCE = 24;
const FIRST_TIME = 32;
const LAST_TIME = 40;

/** How long a block waits if the program doesn't say: what Linux takes for an interface of its speed. */
const USUAL_TIMEOUT_MS = 8;

export class BlockRing implements Ring {
  private readonly memory: RingMemory;
  private readonly request: RingRequest;
  private readonly reserve: number;
  private readonly host: StackHost;
  private readonly announce: () => void;
  private readonly timer: Timer;
  private current = 0;
  /** Of the current block: packets, where the next goes, and where the last one began. */
  private count = 0;
  private next = 0;
  private last = 0;
  private sequence = 1;

  /** `announce`: a block has been handed over. */
  constructor(
    memory: RingMemory,
    request: RingRequest,
    reserve: number,
    host: StackHost,
    announce: () => void,
  ) {
    this.memory = memory;
    this.request = request;
    this.reserve = reserve;
    this.host = host;
    this.announce = announce;
    this.timer = new Timer(() => this.retire(abi.TP_STATUS_BLK_TMO));
  }

  private get start(): number {
    return this.current * this.request.blockSize;
  }
  private get firstOffset(): number {
    return BLOCK_HEADER + Math.ceil(this.request.privateSize / 8) * 8;
  }

  /** The block before the current one has not been given back. */
  get readable(): boolean {
    const { blocks, blockSize } = this.request;
    const before = ((this.current + blocks - 1) % blocks) * blockSize;
    return this.memory.status(before + STATUS) !== abi.TP_STATUS_KERNEL;
  }

  put(packet: RingPacket, status: number): boolean {
    const { blockSize } = this.request;
    const { net, mac } = placesOf(abi.TPACKET_V3, packet, this.reserve);
    const most = blockSize - this.firstOffset;
    const length = Math.max(0, Math.min(packet.data.length, most - mac));
    const size = Math.ceil((mac + length) / 8) * 8;
    if (this.count > 0 && this.next + size > blockSize) this.retire(0);
    if (this.count === 0 && !this.open(packet.timeNs)) return false;
    const at = this.start + this.next;
    const { view, bytes } = this.memory;
    if (this.count > 0) view.setUint32(this.last, at - this.last, true);
    bytes.set(packet.data.subarray(0, length), at + mac);
    bytes.fill(0, at, at + abi.TPACKET_HEADERS[abi.TPACKET_V3]);
    bytes.set(packet.address, at + abi.TPACKET_HEADERS[abi.TPACKET_V3]);
    putTime(view, at + 4, packet.timeNs);
    view.setUint32(at + 12, length, true);
    view.setUint32(at + 16, packet.length, true);
    view.setUint32(at + 20, abi.TP_STATUS_USER | status, true);
    view.setUint16(at + 24, mac, true);
    view.setUint16(at + 26, net, true);
    putTime(view, this.start + LAST_TIME, packet.timeNs);
    this.last = at;
    this.next += size;
    this.count++;
    return true;
  }

  /** Begins the current block, unless the program still has it. */
  private open(timeNs: number): boolean {
    const { start } = this;
    if (this.memory.status(start + STATUS) !== abi.TP_STATUS_KERNEL) return false;
    const { view } = this.memory;
    view.setUint32(start, abi.TPACKET_V3, true);
    view.setUint32(start + OFFSET_TO_PRIVATE, BLOCK_HEADER, true);
    view.setUint32(start + FIRST, this.firstOffset, true);
    putTime(view, start + FIRST_TIME, timeNs);
    this.next = this.firstOffset;
    const { timers, clock } = this.host;
    const timeoutMs = this.request.timeoutMs === 0 ? USUAL_TIMEOUT_MS : this.request.timeoutMs;
    timers.arm(this.timer, clock.monotonicNs() + timeoutMs * 1e6);
    return true;
  }

  private retire(why: number): void {
    this.host.timers.cancel(this.timer);
    if (this.count === 0) return;
    const { start } = this;
    const { view } = this.memory;
    view.setUint32(start + COUNT, this.count, true);
    view.setUint32(start + LENGTH, this.next, true);
    view.setUint32(start + SEQUENCE, this.sequence >>> 0, true);
    view.setUint32(start + SEQUENCE + 4, Math.floor(this.sequence / 0x100000000), true);
    view.setUint32(this.last, 0, true);
    this.sequence++;
    this.count = 0;
    this.current = (this.current + 1) % this.request.blocks;
    this.memory.setStatus(start + STATUS, abi.TP_STATUS_USER | why);
    this.announce();
  }

  free(): void {
    this.host.timers.cancel(this.timer);
    this.memory.free();
  }
}

function putTime(view: DataView, at: number, timeNs: number): void {
  const sec = Math.floor(timeNs / 1e9);
  view.setUint32(at, sec, true);
  view.setUint32(at + 4, timeNs - sec * 1e9, true);
}
