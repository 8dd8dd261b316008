/** A classic BPF program that looks at packets (socket(7), SO_ATTACH_FILTER), and the machine that runs it. */
import { compute, jumps } from './arithmetic.ts';
import { ANCILLARY, INSTRUCTION_SIZE, MAX_INSTRUCTIONS, SCRATCH_WORDS, isProgram } from './check.ts';

/** What a program can ask about a packet. Places are indices into `data`. */
export interface PacketView {
  readonly data: Uint8Array;
  /** Where the packet begins for the program, whose absolute loads count from here. */
  readonly start: number;
  /** Where its network header is, and the one before it (SKF_NET_OFF, SKF_LL_OFF). */
  readonly network: number;
  readonly link: number;
  /** Where the data of the transport begins (SKF_AD_PAY_OFFSET). */
  readonly payload: number;
  /** Its Ethertype; PACKET_HOST or PACKET_OUTGOING; SO_MARK of its sender. */
  readonly protocol: number;
  readonly kind: number;
  readonly mark: number;
  /** The interface that it came from and its ARPHRD_ type; 0: from none. */
  readonly interfaceIndex: number;
  readonly hardware: number;
}

/** Bytes that passed no network. */
function plainPacket(data: Uint8Array): PacketView {
  const places = { start: 0, network: 0, link: 0, payload: 0 };
  return { data, ...places, protocol: 0, kind: 0, mark: 0, interfaceIndex: 0, hardware: 0 };
}

/** What a filter leaves of bytes that passed no network; null: it drops them. */
export function filterPlain(filter: SocketFilter | null, data: Uint8Array): Uint8Array | null {
  if (filter === null) return data;
  const wanted = filter.run(plainPacket(data));
  return wanted === 0 ? null : data.subarray(0, wanted);
}

const NETWORK = -0x100000;
const LINK = -0x200000;
const BAD = -1;

const memory = new Uint32Array(SCRATCH_WORDS);

export class SocketFilter {
  /** As it was given (SO_GET_FILTER). */
  readonly program: Uint8Array;
  private readonly codes: DataView;

  private constructor(program: Uint8Array) {
    this.program = program;
    this.codes = new DataView(program.buffer, program.byteOffset, program.length);
  }

  /** `program` is kept: nobody may change it. null: it is none. */
  static make(program: Uint8Array): SocketFilter | null {
    const count = program.length / INSTRUCTION_SIZE;
    if (count < 1 || count > MAX_INSTRUCTIONS) return null;
    const filter = new SocketFilter(program);
    return isProgram(filter.codes) ? filter : null;
  }

  get length(): number {
    return this.program.length / INSTRUCTION_SIZE;
  }

  /** How many bytes of the packet are wanted; 0: none, it is to be dropped. */
  run(packet: PacketView): number {
    const { codes } = this;
    let a = 0;
    let x = 0;
    for (let pc = 0; ; pc++) {
      const at = INSTRUCTION_SIZE * pc;
      const code = codes.getUint16(at, true);
      const k = codes.getUint32(at + 4, true);
      switch (code) {
        case 0x20:
        case 0x28:
        case 0x30:
          if (k >= ANCILLARY) {
            if (asksForNoDevice(k, packet)) return a;
            a = ancillary(k - ANCILLARY, packet, a, x);
          } else {
            a = load(packet, k | 0, SIZES[(code >>> 3) & 3]!);
            if (a === BAD) return 0;
          }
          break;
        case 0x40:
        case 0x48:
        case 0x50:
          a = load(packet, (x + k) | 0, SIZES[(code >>> 3) & 3]!);
          if (a === BAD) return 0;
          break;
        case 0x80:
          a = packet.data.length - packet.start;
          break;
        case 0x81:
          x = packet.data.length - packet.start;
          break;
        case 0xb1: {
          // The length of an IP header, from its first byte.
          const first = load(packet, k | 0, 1);
          if (first === BAD) return 0;
          x = (first & 0xf) * 4;
          break;
        }
        case 0x00:
          a = k;
          break;
        case 0x01:
          x = k;
          break;
        case 0x60:
          a = memory[k]!;
          break;
        case 0x61:
          x = memory[k]!;
          break;
        case 0x02:
          memory[k] = a;
          break;
        case 0x03:
          memory[k] = x;
          break;
        case 0x07:
          x = a;
          break;
        case 0x87:
          a = x;
          break;
        case 0x06:
          return k;
        case 0x16:
          return a;
        case 0x05:
          pc += k;
          break;
        default: {
          const operand = (code & 8) !== 0 ? x : k;
          if ((code & 7) === 5) {
            pc += codes.getUint8(at + (jumps(code & 0xf0, a, operand) ? 2 : 3));
            break;
          }
          a = compute(code & 0xf0, a, operand);
          if (a === BAD) return 0;
        }
      }
    }
  }
}

/** By BPF_SIZE: words, halves, bytes. */
const SIZES = [4, 2, 1];

/** A big-endian number of the packet, or BAD. */
function load(packet: PacketView, offset: number, size: number): number {
  const { data } = packet;
  let at: number;
  if (offset >= 0) at = packet.start + offset;
  else if (offset >= NETWORK) at = packet.network + (offset - NETWORK);
  else if (offset >= LINK) at = packet.link + (offset - LINK);
  else return BAD;
  if (at < 0 || at + size > data.length) return BAD;
  if (size === 1) return data[at]!;
  if (size === 2) return (data[at]! << 8) | data[at + 1]!;
  return ((data[at]! << 24) | (data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!) >>> 0;
}

const AD_IFINDEX = 8;
const AD_HATYPE = 28;

/** What has no interface ends a program that asks about it, with what it has computed. */
function asksForNoDevice(k: number, packet: PacketView): boolean {
  const what = k - ANCILLARY;
  return packet.interfaceIndex === 0 && (what === AD_IFINDEX || what === AD_HATYPE);
}

/** SKF_AD_: queues, hashes and VLANs there are none, and one CPU is like another. */
function ancillary(what: number, packet: PacketView, a: number, x: number): number {
  switch (what) {
    case 0:
      return packet.protocol;
    case 4:
      return packet.kind;
    case AD_IFINDEX:
      return packet.interfaceIndex;
    case 12:
      return attribute(packet, a, packet.data.length - packet.start, x);
    case 16:
      return nestedAttribute(packet, a, x);
    case 20:
      return packet.mark >>> 0;
    case AD_HATYPE:
      return packet.hardware;
    case 40:
      return (a ^ x) >>> 0;
    case 52:
      return packet.payload - packet.start;
    case 56:
      return Math.floor(Math.random() * 0x100000000);
    default:
      return 0;
  }
}

const ATTRIBUTE_HEADER = 4;
const ATTRIBUTE_TYPE = 0x3fff;

/** Where from `at` on (and before `end`) there is a netlink attribute of a type; 0: nowhere. */
function attribute(packet: PacketView, at: number, end: number, type: number): number {
  const { data, start } = packet;
  while (at + ATTRIBUTE_HEADER <= end) {
    const length = data[start + at]! | (data[start + at + 1]! << 8);
    if (length < ATTRIBUTE_HEADER || at + length > end) return 0;
    const found = (data[start + at + 2]! | (data[start + at + 3]! << 8)) & ATTRIBUTE_TYPE;
    if (found === type) return at;
    at += (length + 3) & ~3;
  }
  return 0;
}

/** The same inside the attribute at `at`. */
function nestedAttribute(packet: PacketView, at: number, type: number): number {
  const { data, start } = packet;
  const size = data.length - start;
  if (at + ATTRIBUTE_HEADER > size) return 0;
  const length = data[start + at]! | (data[start + at + 1]! << 8);
  if (length > size - at) return 0;
  return attribute(packet, at + ATTRIBUTE_HEADER, at + length, type);
}
