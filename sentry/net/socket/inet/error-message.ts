/** MSG_ERRQUEUE (recv(2)): an entry of the error queue as a message with struct sock_extended_err beside it. */
import { EAGAIN } from '../../../abi/errno.ts';
import * as abi from '../../../abi/inet.ts';
import { AF_INET, AF_INET6, MSG_ERRQUEUE, MSG_TRUNC } from '../../../abi/socket.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import type { QueuedError } from '../../stack/inet-stack.ts';
import { isV4 } from '../../stack/ip.ts';
import type { Message } from '../message.ts';
import { putInetAddress } from './inet-address.ts';

const SO_EE_ORIGIN_LOCAL = 1;
const SO_EE_ORIGIN_ICMP = 2;
const SO_EE_ORIGIN_ICMP6 = 3;
/** struct sock_extended_err, which the offender's address follows. */
const EXTENDED_ERR_SIZE = 16;

export function receiveQueuedError(msg: Message, entry: QueuedError | null, v6: boolean): number {
  if (entry === null) return -EAGAIN;
  const n = Math.min(msg.len, entry.data.length);
  copyBytes(msg.buf, msg.off, entry.data, 0, n);
  msg.outFlags |= MSG_ERRQUEUE | (n < entry.data.length ? MSG_TRUNC : 0);
  const family = v6 ? AF_INET6 : AF_INET;
  msg.addrLen = putInetAddress(msg.addr, entry.to, family);
  const address = new Uint8Array(28);
  // An error of this host's own has no offender.
  const size = putInetAddress(address, { ip: entry.offender, port: 0 }, family);
  if (entry.local) address.fill(0);
  const data = new Uint8Array(EXTENDED_ERR_SIZE + size);
  const v = new DataView(data.buffer);
  v.setUint32(0, entry.errno, true);
  data[4] = entry.local ? SO_EE_ORIGIN_LOCAL : isV4(entry.to.ip) ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6;
  data[5] = entry.type;
  data[6] = entry.code;
  v.setUint32(8, entry.info, true);
  data.set(address.subarray(0, size), EXTENDED_ERR_SIZE);
  const level = v6 ? abi.IPPROTO_IPV6 : abi.IPPROTO_IP;
  msg.control = [{ level, type: v6 ? abi.IPV6_RECVERR : abi.IP_RECVERR, data }];
  return n;
}
