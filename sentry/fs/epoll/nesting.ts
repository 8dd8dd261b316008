/**
 * Limits on epoll instances that watch each other: no cycles, at most EP_MAX_NESTS levels, and few enough wake-up
 * paths from any one file that a hostile nest cannot make a single write run forever (epoll_ctl(2): ELOOP, EINVAL).
 */
import { EINVAL, ELOOP } from '../../abi/errno.ts';
import { EP_MAX_NESTS } from '../../abi/epoll.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { EpollItem } from './epoll-item.ts';

/** What this check needs to know of an instance; EpollFile extends it. */
export abstract class EpollNode extends FileDescription {
  abstract watched(): Iterable<EpollItem>;
}

/** Most wake-up paths of each length (in instances) that may start at one file. */
const PATH_LIMITS = [1000, 500, 100, 50, 10];

/** Asked with the new link in place. 0, -ELOOP or -EINVAL. */
export function nestingAllowed(epoll: EpollNode, target: FileDescription): number {
  const counts = [0, 0, 0, 0, 0];
  if (!(target instanceof EpollNode)) return pathsWithin(target, 0, counts) ? 0 : -EINVAL;
  const below = depthBelow(target, epoll, 0, new Map());
  if (below < 0) return -ELOOP;
  if (below + levelsAbove(epoll, 0, new Map()) > EP_MAX_NESTS) return -ELOOP;
  return leavesWithin(target, new Set()) ? 0 : -EINVAL;
}

/** Levels of instances beneath and including `epoll`; -1 when `origin` is among them or there are too many. */
function depthBelow(
  epoll: EpollNode,
  origin: EpollNode,
  depth: number,
  known: Map<EpollNode, number>,
): number {
  if (epoll === origin || depth > EP_MAX_NESTS) return -1;
  // Instances may share what they watch: each is walked once, or a hostile nest would take for ever.
  const before = known.get(epoll);
  if (before !== undefined) return before + depth > EP_MAX_NESTS + 1 ? -1 : before;
  let deepest = 0;
  for (const item of epoll.watched()) {
    if (!(item.file instanceof EpollNode)) continue;
    const below = depthBelow(item.file, origin, depth + 1, known);
    if (below < 0) return -1;
    if (below > deepest) deepest = below;
  }
  known.set(epoll, deepest + 1);
  return deepest + 1;
}

/** Levels of instances that watch `epoll`, at most one more than allowed. */
function levelsAbove(epoll: EpollNode, depth: number, known: Map<EpollNode, number>): number {
  if (depth > EP_MAX_NESTS) return depth;
  const before = known.get(epoll);
  if (before !== undefined) return before;
  let highest = 0;
  for (let item = epoll.epollLinks as EpollItem | null; item !== null; item = item.nextOfFile) {
    const above = levelsAbove(item.epoll, depth + 1, known) + 1;
    if (above > highest) highest = above;
  }
  known.set(epoll, highest);
  return highest;
}

function leavesWithin(epoll: EpollNode, seen: Set<FileDescription>): boolean {
  for (const item of epoll.watched()) {
    if (seen.has(item.file)) continue;
    seen.add(item.file);
    const ok =
      item.file instanceof EpollNode
        ? leavesWithin(item.file, seen)
        : pathsWithin(item.file, 0, [0, 0, 0, 0, 0]);
    if (!ok) return false;
  }
  return true;
}

/** Counts paths upwards from a file; false as soon as one length has too many. Direct watches are not limited. */
function pathsWithin(file: FileDescription, length: number, counts: number[]): boolean {
  for (let item = file.epollLinks as EpollItem | null; item !== null; item = item.nextOfFile) {
    if (item.epoll.epollLinks === null) {
      if (length === 0) continue;
      if (++counts[length]! > PATH_LIMITS[length]!) return false;
    } else if (length + 1 >= PATH_LIMITS.length || !pathsWithin(item.epoll, length + 1, counts)) {
      return false;
    }
  }
  return true;
}
