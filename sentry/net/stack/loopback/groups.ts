/** Multicast groups: which ones a socket is in and from whom it wants to hear (ip(7), IP_ADD_MEMBERSHIP and its kin). */
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS } from '../../../abi/errno.ts';
import type { GroupSources, SourceFilter } from '../inet-stack.ts';
import type { Ip } from '../ip.ts';
import { isMulticast, isV4, ipOf4 } from '../ip.ts';

/** net.ipv4.igmp_max_memberships, igmp_max_msf; the IPv6 ones have optmem's. */
const MAX_GROUPS = 20;
const MAX_GROUPS6 = 2048;
const MAX_SOURCES = 10;
/** net.ipv6.mld_max_msf */
const MAX_SOURCES6 = 64;
/** Groups that every interface is in. */
const ALL_HOSTS = ipOf4(224, 0, 0, 1);
const ALL_NODES = 'ff020000000000000000000000000001';
const ALL_NODES_HERE = 'ff010000000000000000000000000001';

interface Membership {
  /** True: all but these sources; false: only these. */
  readonly exclude: boolean;
  readonly sources: Set<Ip>;
}

/** How many sockets of a stack are in each group: a group without members hears nothing. */
export class GroupCounts {
  private readonly counts = new Map<Ip, number>([
    [ALL_HOSTS, 1],
    [ALL_NODES, 1],
    [ALL_NODES_HERE, 1],
  ]);

  has(group: Ip): boolean {
    return this.counts.has(group);
  }
  entries(): Iterable<readonly [Ip, number]> {
    return this.counts;
  }
  change(group: Ip, by: number): void {
    const now = (this.counts.get(group) ?? 0) + by;
    if (now > 0) this.counts.set(group, now);
    else this.counts.delete(group);
  }
}

export class Groups {
  private readonly all: GroupCounts;
  private readonly joined = new Map<Ip, Membership>();

  constructor(all: GroupCounts) {
    this.all = all;
  }

  join(group: Ip): number {
    if (!isMulticast(group)) return -EINVAL;
    if (this.joined.has(group)) return -EADDRINUSE;
    return this.add(group, true);
  }

  leave(group: Ip): number {
    if (!isMulticast(group)) return -EINVAL;
    if (!this.joined.delete(group)) return -EADDRNOTAVAIL;
    this.all.change(group, -1);
    return 0;
  }

  leaveAll(): void {
    for (const group of this.joined.keys()) this.all.change(group, -1);
    this.joined.clear();
  }

  private add(group: Ip, exclude: boolean): number {
    if (this.joined.size >= (isV4(group) ? MAX_GROUPS : MAX_GROUPS6)) return -ENOBUFS;
    this.joined.set(group, { exclude, sources: new Set() });
    this.all.change(group, 1);
    return 0;
  }

  filter(what: SourceFilter, group: Ip, source: Ip): number {
    if (!isMulticast(group)) return -EINVAL;
    let member = this.joined.get(group);
    const adds = what === 'block' || what === 'join';
    const exclude = what === 'block' || what === 'unblock';
    if (member === undefined) {
      if (what !== 'join') return -EINVAL;
      const r = this.add(group, false);
      if (r < 0) return r;
      member = this.joined.get(group)!;
    } else if (member.exclude !== exclude) {
      // A membership changes its kind only while it names nobody.
      if (member.sources.size > 0 || !adds) return -EINVAL;
      member = { exclude, sources: member.sources };
      this.joined.set(group, member);
    }
    if (adds) {
      if (member.sources.has(source)) return -EADDRNOTAVAIL;
      if (member.sources.size >= (isV4(group) ? MAX_SOURCES : MAX_SOURCES6)) return -ENOBUFS;
      member.sources.add(source);
      return 0;
    }
    if (!member.sources.delete(source)) return -EADDRNOTAVAIL;
    // Leaving the last source of "only these" leaves the group.
    if (!exclude && member.sources.size === 0) return this.leave(group);
    return 0;
  }

  /** All sources at once, of a group joined before; nobody to hear is the same as leaving. */
  setSources(group: Ip, { exclude, sources }: GroupSources): number {
    if (!exclude && sources.size === 0) return this.leave(group);
    if (!this.joined.has(group)) return -EINVAL;
    this.joined.set(group, { exclude, sources: new Set(sources) });
    return 0;
  }

  sourcesOf(group: Ip): GroupSources | null {
    return this.joined.get(group) ?? null;
  }

  /** Does a datagram for `group` from `source` come through? `all`: IP_MULTICAST_ALL, for groups not joined. */
  accepts(group: Ip, source: Ip, all: boolean): boolean {
    if (!this.all.has(group)) return false;
    const member = this.joined.get(group);
    if (member === undefined) return all;
    return member.sources.has(source) !== member.exclude;
  }
}
