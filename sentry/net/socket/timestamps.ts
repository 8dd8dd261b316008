/** When a packet arrived, as ancillary messages (socket(7), SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING). */
import * as abi from '../../abi/socket.ts';
import type { ControlMessage } from './message.ts';
import type { SocketOptions } from './options.ts';

/** What the options of a socket ask for of a packet that arrived at `timeNs`. */
export function timestamps(options: SocketOptions, timeNs: number): ControlMessage[] {
  const found: ControlMessage[] = [];
  for (const [name, unitNs] of PLAIN) {
    if (!options.flag(name)) continue;
    found.push({ level: abi.SOL_SOCKET, type: name, data: time(timeNs, unitNs) });
    break;
  }
  return found;
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
