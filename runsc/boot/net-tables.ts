/** Rows of /proc/net: the sockets that processes have open, in the columns of Linux's tables. */
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
} from '../../sentry/abi/inet.ts';
import { familiesOf } from '../../sentry/net/socket/families.ts';
import { openInetSockets } from '../../sentry/net/socket/inet/inet-socket.ts';
import type { UnixNetwork } from '../../sentry/net/socket/unix/unix-network.ts';
import { HostStack } from '../../sentry/net/stack/host/host-stack.ts';
import type { InetStack } from '../../sentry/net/stack/inet-stack.ts';
import type { Endpoint, Ip } from '../../sentry/net/stack/ip.ts';
import { isV4 } from '../../sentry/net/stack/ip.ts';
import { sysctlsOf } from '../../sentry/net/stack/settings.ts';
import type { NetTables } from '../../sentry/fs/proc/context.ts';
import type { Kernel } from '../../sentry/kernel/kernel.ts';
import { hostNetTables, hostSysctl } from './host-net-tables.ts';

/** Timers are shown in ticks. */
const NS_PER_TICK = 1e7;
const TCP_ESTABLISHED = 1;
const TCP_TIME_WAIT = 6;
const TCP_CLOSE = 7;
const TCP_CLOSE_WAIT = 8;
const SO_ACCEPTCON = 0x10000;
const SS_UNCONNECTED = 1;
const SS_CONNECTING = 2;
const SS_CONNECTED = 3;
const NO_PEER: Endpoint = { ip: '0'.repeat(32), port: 0 };

/** seq_file pads the IPv4 tables' lines to these widths. */
const TCP_WIDTH = 149;
const UDP_WIDTH = 127;
const INET_HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const INET6_HEADER =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';

export function netTables(kernel: Kernel): NetTables {
  const { stack, unix } = familiesOf(kernel);
  const unixRows = (): string => unixTable(unix.network);
  if (stack instanceof HostStack) {
    const files = new Map([...hostNetTables(stack), ['unix', unixRows] as const]);
    return { files, sysctl: (path) => hostSysctl(stack, path), interfaces: () => stack.links() };
  }
  const tcp = (v6: boolean) => (): string => tcpTable(stack, v6, kernel.clock.monotonicNs());
  const datagrams = (protocol: number, v6: boolean) => (): string => datagramTable(stack, protocol, v6);
  return {
    files: new Map([
      ['tcp', tcp(false)],
      ['tcp6', tcp(true)],
      ['udp', datagrams(IPPROTO_UDP, false)],
      ['udp6', datagrams(IPPROTO_UDP, true)],
      ['udplite', datagrams(IPPROTO_UDPLITE, false)],
      ['udplite6', datagrams(IPPROTO_UDPLITE, true)],
      ['icmp', datagrams(IPPROTO_ICMP, false)],
      ['icmp6', datagrams(IPPROTO_ICMPV6, true)],
      ['igmp', () => igmpTable(stack)],
      ['igmp6', () => igmp6Table(stack)],
      ['snmp', () => snmp(stack)],
      ['unix', unixRows],
      ['sockstat', () => sockstat(stack, unix.network)],
      ['sockstat6', () => sockstat6(stack)],
    ]),
    sysctls: sysctlsOf(stack.settings),
  };
}

/** Connections with and without a program that has them open. */
function tcpTable(stack: InetStack, v6: boolean, nowNs: number): string {
  const inodes = new Map<unknown, number>();
  for (const s of openInetSockets(stack)) inodes.set(s.endpoint, s.inode.ino);
  const lines = [v6 ? INET6_HEADER : INET_HEADER];
  const add = (
    place: string,
    state: number,
    queues: string,
    timer: string,
    uid: number,
    inode: number,
    end: string,
  ): void => {
    const slot = String(lines.length - 1).padStart(4);
    lines.push(
      `${slot}: ${place} ${hex(state, 2)} ${queues} ${timer} 00000000 ${String(uid).padStart(5)}        0 ${inode} ${end}`,
    );
  };
  for (const e of stack.tcpEndpoints()) {
    if (e.v6 !== v6 || e.state === TCP_CLOSE) continue;
    // A listener's second number is how many may wait, not a queue.
    const queues = `${hex(e.listening ? 0 : e.unread, 8)}:${hex(e.queued, 8)}`;
    const end = e.listening ? '1 0000000000000000 100 0 0 10 0' : '1 0000000000000000 20 4 30 10 -1';
    add(ends(e, v6), e.state, queues, '00:00000000', e.options.uid, inodes.get(e) ?? 0, end);
  }
  for (const e of stack.endedConnections()) {
    if (e.v6 !== v6) continue;
    const timer = `03:${hex(Math.max(0, Math.ceil((e.expiresNs - nowNs) / NS_PER_TICK)), 8)}`;
    add(ends(e, v6), e.state, '00000000:00000000', timer, 0, 0, '3 0000000000000000');
  }
  return padded(lines, v6 ? 0 : TCP_WIDTH);
}

function datagramTable(stack: InetStack, protocol: number, v6: boolean): string {
  const lines = [`${v6 ? INET6_HEADER : ` ${INET_HEADER}`} ref pointer drops`];
  for (const s of openInetSockets(stack)) {
    if (s.protocol !== protocol || s.v6 !== v6) continue;
    const { endpoint } = s;
    // Sockets without a port are in no table of Linux's.
    if (endpoint.local.port === 0) continue;
    const state = endpoint.remote === null ? TCP_CLOSE : TCP_ESTABLISHED;
    lines.push(
      `${String(lines.length - 1).padStart(5)}: ${ends(endpoint, v6)} ${hex(state, 2)} 00000000:${hex(s.queuedBytes, 8)} ` +
        `00:00000000 00000000 ${String(endpoint.options.uid).padStart(5)}        0 ${s.inode.ino} 2 0000000000000000 0`,
    );
  }
  return padded(lines, v6 ? 0 : UDP_WIDTH);
}

function padded(lines: readonly string[], width: number): string {
  return lines.map((line) => `${line.padEnd(width)}\n`).join('');
}

function ends({ local, remote }: { local: Endpoint; remote: Endpoint | null }, v6: boolean): string {
  return `${place(local, v6)} ${place(remote ?? NO_PEER, v6)}`;
}

function place({ ip, port }: Endpoint, v6: boolean): string {
  return `${v6 ? words(ip, 0) : words(ip, 24)}:${hex(port, 4)}`;
}

/** The address as the kernel prints it: 32-bit words of this little-endian machine. */
function words(ip: Ip, from: number): string {
  let text = '';
  for (let at = from; at < 32; at += 8) {
    for (let byte = 6; byte >= 0; byte -= 2) text += ip.slice(at + byte, at + byte + 2);
  }
  return text.toUpperCase();
}

function hex(value: number, width: number): string {
  return value.toString(16).toUpperCase().padStart(width, '0');
}

function unixTable(network: UnixNetwork): string {
  let text = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  for (const socket of network.sockets) {
    const flags = hex(socket.listening ? SO_ACCEPTCON : 0, 8);
    const connected = socket.peer !== null && !socket.peer.dead;
    const state = socket.embryo ? SS_CONNECTING : socket.peer === null ? SS_UNCONNECTED : SS_CONNECTED;
    const name = socket.address?.name ?? '';
    const shown = name === '' ? '' : ` ${name.replaceAll('\0', '@')}`;
    text +=
      `0000000000000000: ${hex(connected ? 3 : 2, 8)} 00000000 ${flags} ${hex(socket.type, 4)} ${hex(state, 2)} ` +
      `${String(socket.embryo ? 0 : socket.inode.ino).padStart(5)}${shown}\n`;
  }
  return text;
}

function igmpTable(stack: InetStack): string {
  let rows = '';
  let n = 0;
  for (const [group, users] of stack.groupMembers()) {
    if (!isV4(group)) continue;
    rows += `\t\t\t\t${words(group, 24)} ${String(users).padStart(5)} 0:00000000\t\t0\n`;
    n++;
  }
  const device = `1\t${'lo'.padEnd(10)}: ${String(n).padStart(5)}      V3\n`;
  return `Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n${device}${rows}`;
}

function igmp6Table(stack: InetStack): string {
  let rows = '';
  for (const [group, users] of stack.groupMembers()) {
    if (!isV4(group)) rows += `1    ${'lo'.padEnd(15)} ${group} ${String(users).padStart(5)} 0000000C 0\n`;
  }
  return rows;
}

/** TCP's line has a count of what is open now; what has ever happened is not counted. */
function snmp(stack: InetStack): string {
  let established = 0;
  for (const e of stack.tcpEndpoints())
    if (e.state === TCP_ESTABLISHED || e.state === TCP_CLOSE_WAIT) established++;
  return (
    'Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits\n' +
    `Ip: 2 64${' 0'.repeat(18)}\n` +
    'Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n' +
    `Tcp: 1 200 120000 -1 0 0 0 0 ${established} 0 0 0 0 0 0\n` +
    'Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\n' +
    `Udp:${' 0'.repeat(9)}\n`
  );
}

function count(stack: InetStack, protocol: number, v6: boolean): number {
  let n = 0;
  for (const s of openInetSockets(stack)) if (s.protocol === protocol && s.v6 === v6) n++;
  return n;
}

function sockstat(stack: InetStack, network: UnixNetwork): string {
  const used = openInetSockets(stack).size + network.sockets.size;
  const tcp = count(stack, IPPROTO_TCP, false);
  const allocated = tcp + count(stack, IPPROTO_TCP, true);
  let waiting = 0;
  let orphans = 0;
  for (const e of stack.endedConnections()) {
    if (e.state === TCP_TIME_WAIT) waiting++;
    else orphans++;
  }
  return (
    `sockets: used ${used}\nTCP: inuse ${tcp} orphan ${orphans} tw ${waiting} alloc ${allocated} mem 0\n` +
    `UDP: inuse ${count(stack, IPPROTO_UDP, false)} mem 0\n` +
    `UDPLITE: inuse ${count(stack, IPPROTO_UDPLITE, false)}\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n`
  );
}

function sockstat6(stack: InetStack): string {
  return (
    `TCP6: inuse ${count(stack, IPPROTO_TCP, true)}\nUDP6: inuse ${count(stack, IPPROTO_UDP, true)}\n` +
    `UDPLITE6: inuse ${count(stack, IPPROTO_UDPLITE, true)}\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n`
  );
}
