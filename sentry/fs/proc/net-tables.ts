/** /proc/net: tables with Linux's headers; their rows come from the network, when there is one. */
import { StaticDirectory } from '../pseudo/directory.ts';
import { GeneratedFile } from '../pseudo/file.ts';
import type { PseudoFilesystem } from '../pseudo/filesystem.ts';
import type { NetTables } from './context.ts';

const INET_HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const INET6_HEADER =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const DEV_HEADER =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';

const NONE6 = '0'.repeat(32);
const LOOPBACK6 = `${'0'.repeat(31)}1`;

/** What a table says without rows. TCP's header is padded to its rows' width of 149 as in Linux, UDP's to 127. */
const EMPTY_TABLES: readonly (readonly [string, string])[] = [
  ['arp', 'IP address       HW type     Flags       HW address            Mask     Device\n'],
  [
    'dev',
    `${DEV_HEADER}    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n`,
  ],
  ['dev_mcast', ''],
  ['icmp', `${INET_HEADER} ref pointer drops\n`],
  ['icmp6', `${INET6_HEADER} ref pointer drops\n`],
  ['if_inet6', '00000000000000000000000000000001 01 80 10 80       lo\n'],
  ['igmp', 'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n'],
  ['igmp6', ''],
  [
    'ipv6_route',
    `${NONE6} 00 ${NONE6} 00 ${NONE6} ffffffff 00000001 00000000 00200200       lo\n` +
      `${LOOPBACK6} 80 ${NONE6} 00 ${NONE6} 00000000 00000002 00000000 80200001       lo\n` +
      `${NONE6} 00 ${NONE6} 00 ${NONE6} ffffffff 00000001 00000000 00200200       lo\n`,
  ],
  ['netlink', 'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n'],
  ['packet', 'sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n'],
  [
    'protocols',
    'protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n',
  ],
  ['ptype', 'Type Device      Function\n'],
  ['raw', `${INET_HEADER} ref pointer drops\n`],
  ['raw6', `${INET6_HEADER} ref pointer drops\n`],
  [
    'route',
    `${'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'.padEnd(127)}\n`,
  ],
  [
    'sockstat',
    'sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n',
  ],
  ['sockstat6', 'TCP6: inuse 0\nUDP6: inuse 0\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n'],
  ['tcp', `${INET_HEADER.padEnd(149)}\n`],
  ['tcp6', `${INET6_HEADER}\n`],
  ['udp', `${` ${INET_HEADER} ref pointer drops`.padEnd(127)}\n`],
  ['udp6', `${INET6_HEADER} ref pointer drops\n`],
  ['udplite', `${` ${INET_HEADER} ref pointer drops`.padEnd(127)}\n`],
  ['udplite6', `${INET6_HEADER} ref pointer drops\n`],
  ['unix', 'Num       RefCount Protocol Flags    Type St Inode Path\n'],
  ['snmp', ''],
  [
    'netstat',
    `TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed ListenOverflows ListenDrops\nTcpExt:${' 0'.repeat(5)}\nIpExt: InOctets OutOctets\nIpExt: 0 0\n`,
  ],
];

export function netDirectory(fs: PseudoFilesystem, tables: NetTables): StaticDirectory {
  const dir = new StaticDirectory(fs);
  const names = new Map(EMPTY_TABLES);
  for (const name of [...new Set([...names.keys(), ...tables.files.keys()])].sort()) {
    dir.add(name, new GeneratedFile(fs, 0o444, () => tables.files.get(name)?.() ?? names.get(name) ?? ''));
  }
  return dir;
}
