/** /proc/net and /proc/sys/net under `--network host`: what the host's kernel writes about its network
 * namespace. */
import type { HostStack } from '../../sentry/net/stack/host/host-stack.ts';
import { PROC_NET, PROC_SYS_NET } from '../../sentry/net/stack/host/broker.ts';

/** What the namespace has to show of its sockets, interfaces and routes. Unix sockets are the Sentry's own. */
const TABLES = [
  'anycast6',
  'arp',
  'dev',
  'dev_mcast',
  'fib_trie',
  'fib_triestat',
  'icmp',
  'icmp6',
  'if_inet6',
  'igmp',
  'igmp6',
  'ip6_flowlabel',
  'ipv6_route',
  'mcfilter',
  'mcfilter6',
  'netlink',
  'netstat',
  'packet',
  'protocols',
  'psched',
  'ptype',
  'raw',
  'raw6',
  'route',
  'rt6_stats',
  'rt_acct',
  'snmp',
  'snmp6',
  'sockstat',
  'sockstat6',
  'softnet_stat',
  'tcp',
  'tcp6',
  'udp',
  'udp6',
  'udplite',
  'udplite6',
];

export function hostNetTables(stack: HostStack): [string, () => string][] {
  return TABLES.map((name) => [
    name,
    () => {
      const text = stack.table(PROC_NET, name);
      return typeof text === 'string' ? text : '';
    },
  ]);
}

/** The text of a file below /proc/sys/net; null: there is none. */
export function hostSysctl(stack: HostStack, path: string): string | null {
  const text = stack.table(PROC_SYS_NET, path);
  return typeof text === 'string' ? text : null;
}
