/** Options of packet sockets that are numbers, and how they are given (packet(7)). */
import { EBUSY, EINVAL } from '../../../abi/errno.ts';
import * as abi from '../../../abi/packet.ts';

interface PacketOption {
  /** Must it be an int exactly, or may it be longer? */
  readonly exact: boolean;
  /** Stored as 0 or 1. */
  readonly flag: boolean;
  readonly most: number;
  /** Only while there is no ring. */
  readonly beforeRing?: boolean;
}

const SWITCH: PacketOption = { exact: false, flag: true, most: Infinity };

const OPTIONS = new Map<number, PacketOption>([
  [abi.PACKET_AUXDATA, SWITCH],
  [abi.PACKET_ORIGDEV, SWITCH],
  [abi.PACKET_IGNORE_OUTGOING, { exact: true, flag: false, most: 1 }],
  [abi.PACKET_COPY_THRESH, { exact: true, flag: false, most: Infinity }],
  [abi.PACKET_VERSION, { exact: true, flag: false, most: abi.TPACKET_V3, beforeRing: true }],
  [abi.PACKET_RESERVE, { exact: true, flag: false, most: 0x7fffffff, beforeRing: true }],
  [abi.PACKET_LOSS, { exact: true, flag: true, most: Infinity, beforeRing: true }],
  [abi.PACKET_TIMESTAMP, { exact: true, flag: false, most: Infinity }],
  [abi.PACKET_TX_HAS_OFF, { exact: true, flag: true, most: Infinity, beforeRing: true }],
  [abi.PACKET_QDISC_BYPASS, { exact: true, flag: true, most: Infinity }],
]);

export class PacketOptions {
  private readonly values = new Map<number, number>();

  get(name: number): number {
    return this.values.get(name) ?? 0;
  }

  /** 0 or a negated errno; null: there is no such option. */
  set(name: number, value: Uint8Array, hasRing: boolean): number | null {
    const option = OPTIONS.get(name);
    if (option === undefined) return null;
    if (option.exact ? value.length !== 4 : value.length < 4) return -EINVAL;
    const given = new DataView(value.buffer, value.byteOffset, value.length).getInt32(0, true);
    if (option.most !== Infinity && given >>> 0 > option.most) return -EINVAL;
    if (option.beforeRing === true && hasRing) return -EBUSY;
    this.values.set(name, option.flag ? (given !== 0 ? 1 : 0) : given);
    return 0;
  }

  /** null: there is no such option. */
  ask(name: number): number | null {
    return OPTIONS.has(name) ? this.get(name) : null;
  }
}
