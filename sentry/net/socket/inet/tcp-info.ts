/** struct tcp_info (tcp(7), TCP_INFO): state and counters, and the constants of a connection that never loses anything. */
import * as abi from '../../../abi/inet.ts';
import type { TcpEndpoint } from '../../stack/inet-stack.ts';

const TCP_INFO_SIZE = 248;
const LISTEN = 10;
/** tcpi_options: timestamps, SACK, window scaling; the shift of both windows. */
const OPTIONS = 0x7;
const WINDOW_SHIFTS = 0x77;
const DEFAULT_WINDOW = 65483;

export function tcpInfo(endpoint: TcpEndpoint): Uint8Array {
  const full = new Uint8Array(TCP_INFO_SIZE);
  const v = new DataView(full.buffer);
  const { state } = endpoint;
  full[0] = state;
  if (state !== LISTEN && endpoint.remote !== null) {
    full[5] = OPTIONS;
    full[6] = WINDOW_SHIFTS;
  }
  v.setUint32(8, 201000, true); // tcpi_rto, us
  v.setUint32(12, 40000, true); // tcpi_ato
  v.setUint32(16, abi.LO_MSS, true); // tcpi_snd_mss
  v.setUint32(20, abi.LO_MSS, true); // tcpi_rcv_mss
  if (state === LISTEN) {
    // tcpi_unacked and tcpi_sacked: the accept queue, and how long it may get.
    v.setUint32(24, endpoint.queued, true);
    v.setUint32(28, endpoint.unread, true);
  }
  v.setUint32(60, abi.LO_MTU - 1, true); // tcpi_pmtu
  v.setUint32(64, 65483, true); // tcpi_rcv_ssthresh
  v.setUint32(68, 20, true); // tcpi_rtt, us
  v.setUint32(72, 10, true); // tcpi_rttvar
  v.setUint32(76, 0x7fffffff, true); // tcpi_snd_ssthresh
  v.setUint32(80, 10, true); // tcpi_snd_cwnd
  v.setUint32(84, abi.LO_MSS, true); // tcpi_advmss
  v.setUint32(88, 3, true); // tcpi_reordering
  v.setUint32(96, DEFAULT_WINDOW, true); // tcpi_rcv_space
  putU64(v, 104, Infinity); // tcpi_pacing_rate
  putU64(v, 112, Infinity); // tcpi_max_pacing_rate
  putU64(v, 120, endpoint.bytesSent); // tcpi_bytes_acked
  putU64(v, 128, endpoint.bytesReceived); // tcpi_bytes_received
  putU64(v, 200, endpoint.bytesSent); // tcpi_bytes_sent
  v.setUint32(228, DEFAULT_WINDOW, true); // tcpi_snd_wnd
  return full;
}

function putU64(v: DataView, at: number, value: number): void {
  const high = value === Infinity ? 0xffffffff : Math.floor(value / 4294967296);
  v.setUint32(at, value === Infinity ? 0xffffffff : value >>> 0, true);
  v.setUint32(at + 4, high, true);
}
