/** NUMA policy (numa(7)): one node, number 0. Policies are kept and answered; they cannot change anything. */
import { CAP_SYS_NICE } from '../../sentry/abi/capability.ts';
import { EFAULT, EINVAL, ENODEV, ENOENT, EPERM, ESRCH } from '../../sentry/abi/errno.ts';
import {
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_F_ADDR,
  MPOL_F_MEMS_ALLOWED,
  MPOL_F_NODE,
  MPOL_F_NUMA_BALANCING,
  MPOL_F_RELATIVE_NODES,
  MPOL_F_STATIC_NODES,
  MPOL_INTERLEAVE,
  MPOL_LOCAL,
  MPOL_MF_MOVE,
  MPOL_MF_MOVE_ALL,
  MPOL_MF_STRICT,
  MPOL_PREFERRED,
  MPOL_PREFERRED_MANY,
  MPOL_WEIGHTED_INTERLEAVE,
  PAGE_SIZE,
  pageUp,
} from '../../sentry/abi/mman.ts';
import type { Task } from '../../sentry/kernel/task.ts';
import { isMapped } from '../../sentry/mm/msync.ts';

interface Policy {
  /** MPOL_ value with its MPOL_F_ mode flags, as get_mempolicy tells it. */
  mode: number;
  /** Node 0 is in its mask. */
  hasNode: boolean;
}

const DEFAULT: Policy = { mode: MPOL_DEFAULT, hasNode: false };
const MODE_FLAGS = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING;
const MAX_MASK_BITS = PAGE_SIZE * 8;
const policies = new WeakMap<Task, Policy>();

export function sys_set_mempolicy(t: Task): number {
  const policy = readPolicy(t, t.argI32(0), t.arg(1), t.arg(2));
  if (typeof policy === 'number') return policy;
  policies.set(t, policy);
  return 0;
}

export function sys_get_mempolicy(t: Task): number {
  const maskAddr = t.arg(1);
  const maxNode = t.arg(2);
  const addr = t.arg(3);
  const flags = t.arg(4);
  if (maskAddr !== 0 && maxNode < 1) return -EINVAL;
  if ((flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) !== 0) return -EINVAL;
  let mode = 0;
  let hasNode = false;
  if ((flags & MPOL_F_MEMS_ALLOWED) !== 0) {
    if ((flags & (MPOL_F_NODE | MPOL_F_ADDR)) !== 0) return -EINVAL;
    hasNode = true;
  } else {
    const policy = policies.get(t) ?? DEFAULT;
    if ((flags & MPOL_F_ADDR) !== 0) {
      if (t.mm.map.find(addr) === null) return -EFAULT;
    } else if (addr !== 0) return -EINVAL;
    if ((flags & MPOL_F_NODE) === 0) mode = policy.mode;
    else if ((flags & MPOL_F_ADDR) === 0 && (policy.mode & ~MODE_FLAGS) !== MPOL_INTERLEAVE) return -EINVAL;
    hasNode = policy.hasNode;
  }
  if (t.arg(0) !== 0 && t.writeI32(t.arg(0), mode) < 0) return -EFAULT;
  return maskAddr === 0 ? 0 : writeMask(t, maskAddr, maxNode, hasNode);
}

export function sys_mbind(t: Task): number {
  const start = t.arg(0);
  const flags = t.arg(5);
  if ((flags & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0) return -EINVAL;
  if ((flags & MPOL_MF_MOVE_ALL) !== 0 && !t.creds.hasCap(CAP_SYS_NICE)) return -EPERM;
  if (start % PAGE_SIZE !== 0) return -EINVAL;
  const len = pageUp(t.arg(1));
  if (start + len >= 2 ** 64) return -EINVAL;
  if (len === 0) return 0;
  const policy = readPolicy(t, t.argI32(2), t.arg(3), t.arg(4));
  if (typeof policy === 'number') return policy;
  return isMapped(t.mm, start, start + len) ? 0 : -EFAULT;
}

export function sys_migrate_pages(t: Task): number {
  const oldNodes = readMask(t, t.arg(2), t.arg(1));
  if (oldNodes < 0) return oldNodes;
  const newNodes = readMask(t, t.arg(3), t.arg(1));
  if (newNodes < 0) return newNodes;
  const pid = t.argI32(0);
  const target = pid === 0 ? t : t.pidns.pids.get(pid);
  if (target === undefined) return -ESRCH;
  if (target.group !== t.group && target.creds.uid !== t.creds.euid && !t.creds.hasCap(CAP_SYS_NICE))
    return -EPERM;
  // Only node 0 has memory: there is nowhere to go.
  return newNodes === NODE_0 ? 0 : -EINVAL;
}

export function sys_move_pages(t: Task): number {
  const pid = t.argI32(0);
  const count = t.arg(1);
  const flags = t.argI32(5);
  if ((flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0) return -EINVAL;
  if ((flags & MPOL_MF_MOVE_ALL) !== 0 && !t.creds.hasCap(CAP_SYS_NICE)) return -EPERM;
  const target = pid === 0 ? t : t.pidns.pids.get(pid);
  if (target === undefined) return -ESRCH;
  if (target.group !== t.group && target.creds.uid !== t.creds.euid && !t.creds.hasCap(CAP_SYS_NICE))
    return -EPERM;
  for (let done = 0; done < count; done += CHUNK) {
    const r = moveChunk(t, target, done, Math.min(CHUNK, count - done));
    if (r < 0) return r;
  }
  return 0;
}

const CHUNK = 512;
const pages = Buffer.alloc(8 * CHUNK);
const nodes = Buffer.alloc(4 * CHUNK);
const status = Buffer.alloc(4 * CHUNK);

/** Entries [first, first+n) of move_pages' arrays. */
function moveChunk(t: Task, target: Task, first: number, n: number): number {
  const moves = t.arg(3) !== 0;
  if (t.copyInTo(t.arg(2) + 8 * first, pages, 0, 8 * n) < 0) return -EFAULT;
  if (moves && t.copyInTo(t.arg(3) + 4 * first, nodes, 0, 4 * n) < 0) return -EFAULT;
  for (let i = 0; i < n; i++) {
    if (moves && nodes.readInt32LE(4 * i) !== 0) return -ENODEV;
    const addr = pages.readUInt32LE(8 * i) + pages.readUInt32LE(8 * i + 4) * 4294967296;
    const vma = target.mm.map.find(addr);
    status.writeInt32LE(vma === null ? -EFAULT : vma.prot === 0 ? -ENOENT : 0, 4 * i);
  }
  return t.copyOutBytes(t.arg(4) + 4 * first, status, 0, 4 * n);
}

/** Checks a mode and its mask as mpol_new and mpol_set_nodemask do. */
function readPolicy(t: Task, rawMode: number, maskAddr: number, maxNode: number): Policy | number {
  const modeFlags = rawMode & MODE_FLAGS;
  const mode = rawMode & ~MODE_FLAGS;
  if (mode < 0 || mode > MPOL_WEIGHTED_INTERLEAVE) return -EINVAL;
  const fixed = modeFlags & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES);
  if (fixed === (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)) return -EINVAL;
  if ((modeFlags & MPOL_F_NUMA_BALANCING) !== 0 && mode !== MPOL_BIND && mode !== MPOL_PREFERRED_MANY)
    return -EINVAL;
  const nodes = readMask(t, maskAddr, maxNode);
  if (nodes < 0) return nodes;
  switch (mode) {
    case MPOL_DEFAULT:
      return nodes === EMPTY && modeFlags === 0 ? DEFAULT : -EINVAL;
    case MPOL_LOCAL:
      return nodes === EMPTY && fixed === 0 ? { mode: MPOL_LOCAL, hasNode: false } : -EINVAL;
    case MPOL_PREFERRED:
      // Without a node it means the local one.
      if (nodes === EMPTY) return fixed === 0 ? { mode: MPOL_LOCAL, hasNode: false } : -EINVAL;
      break;
  }
  return nodes === NODE_0 ? { mode: rawMode, hasNode: true } : -EINVAL;
}

// What a mask holds.
const EMPTY = 0;
const NODE_0 = 1;
const OTHERS = 2;

/** EMPTY, NODE_0 (perhaps among others that do not exist and are ignored), OTHERS, or a negated errno. */
function readMask(t: Task, addr: number, maxNode: number): number {
  const bits = maxNode - 1;
  if (bits <= 0 || addr === 0) return EMPTY;
  if (bits > MAX_MASK_BITS) return -EINVAL;
  const words = Math.ceil(bits / 64);
  const bytes = t.copyInBytes(addr, words * 8);
  if (typeof bytes === 'number') return bytes;
  let any = false;
  for (let i = 0; i < bits; i++) if ((bytes[i >>> 3]! & (1 << (i & 7))) !== 0) any = true;
  if (!any) return EMPTY;
  // Nodes that cannot exist are an error only beyond what a kernel could be built for.
  for (let i = 1024; i < bits; i++) if ((bytes[i >>> 3]! & (1 << (i & 7))) !== 0) return -EINVAL;
  return (bytes[0]! & 1) !== 0 ? NODE_0 : OTHERS;
}

function writeMask(t: Task, addr: number, maxNode: number, hasNode: boolean): number {
  const len = Math.ceil((maxNode - 1) / 64) * 8;
  if (len > PAGE_SIZE) return -EINVAL;
  const mask = new Uint8Array(Math.max(len, 0));
  if (hasNode && mask.length > 0) mask[0] = 1;
  return t.copyOutBytes(addr, mask, 0, mask.length);
}
