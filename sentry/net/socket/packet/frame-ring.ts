/** TPACKET_V1 and TPACKET_V2: a ring of frames, each handed over by its own status word. */
import * as abi from '../../../abi/packet.ts';
import { placesOf } from './ring.ts';
import type { Ring, RingPacket, RingRequest } from './ring.ts';
import type { RingMemory } from './ring-memory.ts';

export class FrameRing implements Ring {
  private readonly memory: RingMemory;
  private readonly request: RingRequest;
  private readonly version: number;
  private readonly reserve: number;
  private head = 0;

  constructor(memory: RingMemory, request: RingRequest, version: number, reserve: number) {
    this.memory = memory;
    this.request = request;
    this.version = version;
    this.reserve = reserve;
  }

  private frame(index: number): number {
    const { blockSize, frameSize } = this.request;
    const perBlock = Math.floor(blockSize / frameSize);
    return Math.floor(index / perBlock) * blockSize + (index % perBlock) * frameSize;
  }

  /** The last one filled has not been given back. */
  get readable(): boolean {
    const { frames } = this.request;
    return this.memory.status(this.frame((this.head + frames - 1) % frames)) !== abi.TP_STATUS_KERNEL;
  }

  put(packet: RingPacket, status: number): boolean {
    const { memory, version } = this;
    const at = this.frame(this.head);
    if (memory.status(at) !== abi.TP_STATUS_KERNEL) return false;
    this.head = (this.head + 1) % this.request.frames;
    const { net, mac } = placesOf(version, packet, this.reserve);
    const length = Math.max(0, Math.min(packet.data.length, this.request.frameSize - mac));
    memory.bytes.set(packet.data.subarray(0, length), at + mac);
    const header = abi.TPACKET_HEADERS[version]!;
    memory.bytes.set(packet.address, at + header);
    // Of version 1 the status is a long.
    const fields = version === abi.TPACKET_V1 ? at + 8 : at + 4;
    const { view } = memory;
    view.setUint32(fields, packet.length, true);
    view.setUint32(fields + 4, length, true);
    view.setUint16(fields + 8, mac, true);
    view.setUint16(fields + 10, net, true);
    const sec = Math.floor(packet.timeNs / 1e9);
    const ns = packet.timeNs - sec * 1e9;
    view.setUint32(fields + 12, sec, true);
    view.setUint32(fields + 16, version === abi.TPACKET_V1 ? Math.floor(ns / 1000) : ns, true);
    if (version === abi.TPACKET_V2) memory.bytes.fill(0, fields + 20, at + header);
    memory.setStatus(at, abi.TP_STATUS_USER | status);
    return true;
  }

  free(): void {
    this.memory.free();
  }
}
