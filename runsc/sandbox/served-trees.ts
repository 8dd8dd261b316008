// Which parts of a container's mount list are host trees: the rootfs and the bind mounts. The gofer serves them;
// every other mount of the spec is made inside the Sentry.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';

import { HostMounts, type HostTree } from './host-mounts.ts';
import { parseOverlay } from './overlay.ts';

import type { BootMount } from './boot-document.ts';
import type { IdMapping, Mount, Spec } from '../spec/spec.ts';

export interface ServedTree {
  /** Absolute host path. */
  readonly source: string;
  /** Read-only on the host, with all that is mounted beneath. */
  readonly readonly: boolean;
  /** How the launcher clones it: `tree.mode` of launch-keys.ts. */
  readonly mode: string;
  /** What the host mounts and unmounts beneath it from now on is seen. */
  readonly slave: boolean;
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
  const rootReadonly = spec.root?.readonly === true || overlay.root;
  const trees: ServedTree[] = [
    {
      source: rootfs,
      readonly: rootReadonly,
      mode: rootReadonly ? 'rro,recursive' : 'rw,recursive',
      slave: false,
    },
  ];
  const mounts: BootMount[] = [];
  let host: HostMounts | undefined;
  for (const mount of spec.mounts ?? []) {
    if (!isBind(mount)) continue;
    const source = resolve(bundle, mount.source ?? '');
    const options = mount.options ?? [];
    const directory = isDirectory(source, mount.destination);
    const { group, beneath } = hostTree((host ??= HostMounts.read()), source, options, spec);
    const readonly = isReadonly(options) || overlay.binds;
    const all = options.includes('rro') || overlay.binds;
    const destination = resolve('/', mount.destination);
    mounts.push({ goferIndex: trees.length, destination, directory, readonly, options, group, beneath });
    const words = [all ? 'rro' : readonly ? 'ro' : 'rw'];
    if (isRecursive(options)) words.push('recursive');
    if (group !== 0) words.push('slave');
    trees.push({
      source,
      readonly: all || (readonly && beneath.length === 0 && group === 0),
      mode: words.join(','),
      slave: group !== 0,
      ...idMapOf(mount, spec),
    });
  }
  return { trees, mounts };
}

/** As runc, whose mount namespace is a slave of the host's unless rootfsPropagation or the mount says otherwise. */
function hostTree(host: HostMounts, source: string, options: readonly string[], spec: Spec): HostTree {
  const { group, beneath } = host.tree(source);
  const asked = options.findLast((option) => PROPAGATION.test(option)) ?? '';
  const all = !CUT.test(spec.linux?.rootfsPropagation ?? '') && !CUT.test(asked);
  const reached = all && asked !== 'private' && asked !== 'unbindable';
  return {
    group: reached ? group : 0,
    beneath: isRecursive(options) ? beneath.map((mount) => (all ? mount : { ...mount, group: 0 })) : [],
  };
}

const PROPAGATION = /^r?(private|shared|slave|unbindable)$/;
const CUT = /^r(private|unbindable)$/;

function isRecursive(options: readonly string[]): boolean {
  return options.includes('rbind');
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
