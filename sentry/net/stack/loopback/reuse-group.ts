/** Sockets that share a port by SO_REUSEPORT, and a program that chooses among them (SO_ATTACH_REUSEPORT_CBPF). */
import { EINVAL, ENOENT } from '../../../abi/errno.ts';
import type { PacketView, SocketFilter } from '../../../base/bpf/socket-filter.ts';
import type { EndpointOptions } from '../inet-stack.ts';
import type { Endpoint } from '../ip.ts';

export interface ReuseGroup {
  filter: SocketFilter | null;
}

export interface GroupMember {
  readonly local: Endpoint;
  readonly options: EndpointOptions;
  reuseGroup: ReuseGroup | null;
}

/** `reachable`: it has its port (TCP: it listens), and with it the group that it will always have. */
export function setGroupFilter(s: GroupMember, reachable: boolean, filter: SocketFilter | null): number {
  if (filter === null) {
    if (s.reuseGroup === null) return s.options.reusePort ? -ENOENT : -EINVAL;
    if (s.reuseGroup.filter === null) return -ENOENT;
    s.reuseGroup.filter = null;
    return 0;
  }
  if (s.reuseGroup === null) {
    if (reachable || !s.options.reusePort) return -EINVAL;
    s.reuseGroup = { filter };
  }
  s.reuseGroup.filter = filter;
  return 0;
}

/** A socket has become reachable beside others at its port. */
export function joinGroup(s: GroupMember, others: Iterable<GroupMember>): void {
  if (!s.options.reusePort) return;
  for (const other of others) {
    if (other === s || other.reuseGroup === null || other.local.ip !== s.local.ip) continue;
    s.reuseGroup = other.reuseGroup;
    return;
  }
  s.reuseGroup ??= { filter: null };
}

/** The member that the group's program chooses; null: there is no program, or it chooses nobody. */
export function chooseMember<T extends GroupMember>(
  members: readonly T[],
  packet: () => PacketView,
): T | null {
  const filter = members[0]?.reuseGroup?.filter ?? null;
  return filter === null ? null : (members[filter.run(packet())] ?? null);
}
