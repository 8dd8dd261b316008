/** /proc/sys/net/ipv4/conf and its like, where the network has interfaces that come and go. */
import { EPERM, ENOENT } from '../../abi/errno.ts';
import { dtype } from '../../abi/stat.ts';
import type { Inode } from '../../vfs/inode.ts';
import { FIRST_ENTRY } from '../../vfs/directory-file.ts';
import type { DynamicEntry } from '../pseudo/directory.ts';
import { DynamicDirectory, StaticDirectory } from '../pseudo/directory.ts';
import { SysctlFile } from '../pseudo/file.ts';
import type { PseudoFilesystem } from '../pseudo/filesystem.ts';
import type { NetTables } from './context.ts';

const IPV4 = [
  'accept_local', 'accept_redirects', 'accept_source_route', 'arp_accept', 'arp_announce', 'arp_evict_nocarrier',
  'arp_filter', 'arp_ignore', 'arp_notify', 'bc_forwarding', 'bootp_relay', 'disable_policy', 'disable_xfrm',
  'drop_gratuitous_arp', 'drop_unicast_in_l2_multicast', 'force_igmp_version', 'forwarding',
  'igmpv2_unsolicited_report_interval', 'igmpv3_unsolicited_report_interval', 'ignore_routes_with_linkdown',
  'log_martians', 'mc_forwarding', 'medium_id', 'promote_secondaries', 'proxy_arp', 'proxy_arp_pvlan',
  'route_localnet', 'rp_filter', 'secure_redirects', 'send_redirects', 'shared_media', 'src_valid_mark', 'tag',
]; // prettier-ignore

const IPV6 = [
  'accept_dad', 'accept_ra', 'accept_ra_defrtr', 'accept_ra_from_local', 'accept_ra_min_hop_limit',
  'accept_ra_min_lft', 'accept_ra_mtu', 'accept_ra_pinfo', 'accept_ra_rt_info_max_plen',
  'accept_ra_rt_info_min_plen', 'accept_ra_rtr_pref', 'accept_redirects', 'accept_source_route',
  'accept_untracked_na', 'addr_gen_mode', 'autoconf', 'dad_transmits', 'disable_ipv6', 'disable_policy',
  'drop_unicast_in_l2_multicast', 'drop_unsolicited_na', 'enhanced_dad', 'force_forwarding', 'force_mld_version',
  'force_tllao', 'forwarding', 'hop_limit', 'ignore_routes_with_linkdown', 'ioam6_enabled', 'ioam6_id',
  'ioam6_id_wide', 'keep_addr_on_down', 'max_addresses', 'max_desync_factor', 'mc_forwarding',
  'mldv1_unsolicited_report_interval', 'mldv2_unsolicited_report_interval', 'mtu', 'ndisc_evict_nocarrier',
  'ndisc_notify', 'ndisc_tclass', 'optimistic_dad', 'proxy_ndp', 'ra_defrtr_metric', 'ra_honor_pio_life',
  'ra_honor_pio_pflag', 'regen_max_retry', 'regen_min_advance', 'router_probe_interval',
  'router_solicitation_delay', 'router_solicitation_interval', 'router_solicitation_max_interval',
  'router_solicitations', 'rpl_seg_enabled', 'seg6_enabled', 'seg6_require_hmac', 'stable_secret',
  'suppress_frag_ndisc', 'temp_prefered_lft', 'temp_valid_lft', 'use_oif_addrs_only', 'use_optimistic',
  'use_tempaddr',
]; // prettier-ignore

const NEIGHBOURS = [
  'anycast_delay', 'app_solicit', 'base_reachable_time', 'base_reachable_time_ms', 'delay_first_probe_time',
  'gc_interval', 'gc_stale_time', 'gc_thresh1', 'gc_thresh2', 'gc_thresh3', 'interval_probe_time_ms', 'locktime',
  'mcast_resolicit', 'mcast_solicit', 'proxy_delay', 'proxy_qlen', 'retrans_time', 'retrans_time_ms',
  'ucast_solicit', 'unres_qlen', 'unres_qlen_bytes',
]; // prettier-ignore

/** Directory below net/, the names that it has beside interfaces', the files of each: those that the host has. */
const PLACES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['ipv4/conf', ['all', 'default'], IPV4],
  ['ipv6/conf', ['all', 'default'], IPV6],
  ['ipv4/neigh', ['default'], NEIGHBOURS],
  ['ipv6/neigh', ['default'], NEIGHBOURS],
];

/** Is it a row that such a directory has? */
export function isInterfaces(path: string): boolean {
  return /^net\/ipv[46]\/(conf|neigh)\//.test(path);
}

type Sources = Required<Pick<NetTables, 'sysctl' | 'interfaces'>>;

class SettingsDirectory extends DynamicDirectory {
  private readonly place: (typeof PLACES)[number];
  private readonly net: Sources;
  private readonly made = new Map<string, StaticDirectory>();

  constructor(fs: PseudoFilesystem, place: (typeof PLACES)[number], net: Sources) {
    super(fs);
    this.place = place;
    this.net = net;
  }

  override lookup(name: string): Inode | number {
    return this.names().some((entry) => entry.name === name) ? this.settings(name) : -ENOENT;
  }

  protected override listFrom(): DynamicEntry[] {
    return this.names().map(({ name, offset }) => {
      const { ino, mode } = this.settings(name);
      return { name, ino, dtype: dtype(mode), offset };
    });
  }

  private names(): { name: string; offset: number }[] {
    const [, always] = this.place;
    const first = FIRST_ENTRY + always.length;
    return [
      ...always.map((name, i) => ({ name, offset: FIRST_ENTRY + i })),
      ...this.net.interfaces().map(({ name, index }) => ({ name, offset: first + index })),
    ];
  }

  private settings(name: string): StaticDirectory {
    let directory = this.made.get(name);
    if (directory !== undefined) return directory;
    this.made.set(name, (directory = new StaticDirectory(this.fs)));
    const { sysctl } = this.net;
    const [place, , files] = this.place;
    for (const file of files) {
      const path = `${place}/${name}/${file}`;
      if (sysctl(path) === null) continue;
      const show = (): string | number => sysctl(path) ?? -ENOENT;
      directory.add(file, new SysctlFile(this.fs, 0o644, show, () => -EPERM));
    }
    return directory;
  }
}

/** `root` is /proc/sys. */
export function addInterfaceSettings(fs: PseudoFilesystem, root: StaticDirectory, net: Sources): void {
  for (const place of PLACES) {
    const [path] = place;
    const [family, name] = path.split('/') as [string, string];
    root
      .directory('net')
      .directory(family)
      .add(name, new SettingsDirectory(fs, place, net));
  }
}
