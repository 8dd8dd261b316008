/** When a packet arrived, as ancillary messages (socket(7), SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING). */
import * as abi from '../../abi/socket.ts';
import type { ControlMessage } from './message.ts';
import type { SocketOptions } from './options.ts';
import { RX_SOFTWARE, SOFTWARE } from './timestamping.ts';

/** What the options of a socket ask for of a packet that arrived at `timeNs`. */
export function timestamps(options: SocketOptions, timeNs: number): ControlMessage[] {
  const found: ControlMessage[] = [];
  for (const [name, unitNs] of PLAIN) {
    if (!options.flag(name)) continue;
    found.push({ level: abi.SOL_SOCKET, type: name, data: time(timeNs, unitNs) });
    break;
  }
  const { timestamping } = options;
  if ((timestamping & SOFTWARE) !== 0 && (timestamping & RX_SOFTWARE) !== 0)
    found.push(threeTimes(options, timeNs));
  return found;
}

/** When something was sent, for those who have asked for times of this clock. */
export function sendingTime(options: SocketOptions, timeNs: number): ControlMessage[] {
  return (options.timestamping & SOFTWARE) !== 0 ? [threeTimes(options, timeNs)] : [];
}

/** Does anything that `timestamps` answers depend on when data arrive? */
export function wantsArrivals(options: SocketOptions): boolean {
  return PLAIN.some(([name]) => options.flag(name)) || (options.timestamping & RX_SOFTWARE) !== 0;
}

/** struct scm_timestamping: this clock's time, one that is not used any more, and the card's. */
function threeTimes(options: SocketOptions, timeNs: number): ControlMessage {
  const data = new Uint8Array(48);
  putTime(data, 0, timeNs, 1);
  const type = options.timestampingNew ? abi.SO_TIMESTAMPING_NEW : abi.SO_TIMESTAMPING;
  return { level: abi.SOL_SOCKET, type, data };
}

/** Of several that are set, the first counts: nanoseconds before microseconds. */
const PLAIN: readonly (readonly [name: number, unitNs: number])[] = [
  [abi.SO_TIMESTAMPNS_NEW, 1],
  [abi.SO_TIMESTAMP_NEW, 1000],
  [abi.SO_TIMESTAMPNS, 1],
  [abi.SO_TIMESTAMP, 1000],
];

/** struct timeval, struct timespec. */
function time(timeNs: number, unitNs: number): Uint8Array {
  const data = new Uint8Array(16);
  putTime(data, 0, timeNs, unitNs);
  return data;
}

function putTime(out: Uint8Array, at: number, timeNs: number, unitNs: number): void {
  const v = new DataView(out.buffer, out.byteOffset, out.length);
  const sec = Math.floor(timeNs / 1e9);
  v.setUint32(at, sec >>> 0, true);
  v.setUint32(at + 4, Math.floor(sec / 0x100000000), true);
  v.setUint32(at + 8, Math.floor((timeNs - sec * 1e9) / unitNs), true);
}
