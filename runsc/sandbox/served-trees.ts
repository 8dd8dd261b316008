// Which parts of a container's mount list are host trees: the rootfs and the bind mounts. The gofer serves them;
// every other mount of the spec is made inside the Sentry.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';

import { parseOverlay } from './overlay.ts';

import type { BootMount } from './boot-document.ts';
import type { IdMapping, Mount, Spec } from '../spec/spec.ts';

export interface ServedTree {
  /** Absolute host path. */
  readonly source: string;
  /** Mounted read-only on the host. */
  readonly readonly: boolean;
  readonly idMap?: IdMap;
}

/** mount_setattr(2), "ID-mapped mounts": `containerID` on the disk is `hostID` in the mount. */
export interface IdMap {
  /** Of what is mounted below too. */
  readonly recursive: boolean;
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

export interface ServedTrees {
  /** Tree 0 is the rootfs. */
  readonly trees: readonly ServedTree[];
  readonly mounts: readonly BootMount[];
}

/**
 * `overlay2` decides with the spec what the host's mounts allow: beneath an upper layer nothing is ever written. Throws in runc's words for a source that isn't there.
 */
export function servedTrees(bundle: string, spec: Spec, overlay2: string): ServedTrees {
  const rootfs = resolve(bundle, spec.root?.path ?? 'rootfs');
  const overlay = parseOverlay(overlay2, rootfs);
  const trees: ServedTree[] = [{ source: rootfs, readonly: spec.root?.readonly === true || overlay.root }];
  const mounts: BootMount[] = [];
  for (const mount of spec.mounts ?? []) {
    if (!isBind(mount)) continue;
    const source = resolve(bundle, mount.source ?? '');
    const options = mount.options ?? [];
    const readonly = isReadonly(options) || overlay.binds;
    mounts.push({
      goferIndex: trees.length,
      destination: resolve('/', mount.destination),
      directory: isDirectory(source, mount.destination),
      readonly,
      options,
    });
    trees.push({ source, readonly, ...idMapOf(mount, spec) });
  }
  return { trees, mounts };
}

/** Its own ids, or with the option alone those of the container's user namespace. */
function idMapOf(mount: Mount, { linux }: Spec): Pick<ServedTree, 'idMap'> {
  const options = mount.options ?? [];
  const uids = mount.uidMappings ?? [];
  const gids = mount.gidMappings ?? [];
  const recursive = options.includes('ridmap');
  if (uids.length > 0) return { idMap: { recursive, uids, gids } };
  if (!recursive && !options.includes('idmap')) return {};
  return { idMap: { recursive, uids: linux?.uidMappings ?? [], gids: linux?.gidMappings ?? [] } };
}

/**
 * In the order of config.json: the bind mounts, and where the Sentry alone has the files. Of proc and its like the
 * rootfs has nothing that could be mistaken for them.
 */
export function viewMounts(spec: Spec): string[] {
  return (spec.mounts ?? [])
    .filter((mount) => isBind(mount) || mount.type === 'tmpfs')
    .map((mount) => `${isBind(mount) ? 'bind' : 'none'} ${resolve('/', mount.destination)}`);
}

/** As runc: an option says so, or the type does. */
export function isBind(mount: Mount): boolean {
  return (
    mount.type === 'bind' || (mount.options ?? []).some((option) => option === 'bind' || option === 'rbind')
  );
}

/** The last of `ro` and `rw` counts, as for mount(8). */
function isReadonly(options: readonly string[]): boolean {
  return options.lastIndexOf('ro') > options.lastIndexOf('rw') || options.includes('rro');
}

function isDirectory(source: string, destination: string): boolean {
  try {
    return statSync(source).isDirectory();
  } catch (cause) {
    const { errno, message } = cause as NodeJS.ErrnoException;
    const reason = (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
    throw new Error(`error mounting "${source}" to rootfs at "${destination}": stat ${source}: ${reason}`, {
      cause,
    });
  }
}
