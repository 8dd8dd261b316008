/** The container's mounts: the gofer's rootfs (under an overlay where asked), then config.json's list in its order. */
import { posix } from 'node:path';
import { MS_BIND, MS_RDONLY, MS_REC } from '../../sentry/abi/mount.ts';
import { S_IFDIR, S_IFMT } from '../../sentry/abi/stat.ts';
import { populateDev } from '../../sentry/fs/dev/populate.ts';
import { GoferFilesystem } from '../../sentry/fs/gofer/filesystem.ts';
import { GoferFileStore } from '../../sentry/fs/gofer/file-store.ts';
import type { HostFds } from '../../sentry/fs/gofer/host-fds.ts';
import { Overlayfs } from '../../sentry/fs/overlay/overlayfs.ts';
import { defaultStore, type FileStore } from '../../sentry/vfs/file-store.ts';
import { Tmpfs } from '../../sentry/fs/tmpfs/tmpfs.ts';
import { addon } from '../../native/addon.ts';
import type { GoferClient } from '../../gofer/client/client.ts';
import { STORE_OVERLAY } from '../../gofer/protocol/messages.ts';
import { newAnonymousDev } from '../../sentry/vfs/anon-dev.ts';
import type { Filesystem, Inode } from '../../sentry/vfs/inode.ts';
import { MountNamespace } from '../../sentry/vfs/mount-namespace.ts';
import { resolve } from '../../sentry/vfs/walk.ts';
import type { BootDocument, BootMount, BootSubmount } from '../sandbox/boot-document.ts';
import { type Overlay, parseOverlay } from '../sandbox/overlay.ts';
import { isBind } from '../sandbox/served-trees.ts';
import type { Mount as SpecMount } from '../spec/spec.ts';
import { BootContext } from './boot-context.ts';
import { errnoText } from './errno-text.ts';
import { latin1 } from './init-process.ts';
import { type MountOptions, parseMountOptions, recursiveOptions } from './mount-options.ts';
import { mountPoint } from './mount-point.ts';
import { StartError } from './start-error.ts';
import { copyTree } from './tmpfs-copy-up.ts';

/**
 * Filesystems whose objects the kernel makes: proc, sysfs, devpts, cgroup… by type; null: this kernel has none. -EINVAL where
 * the options are not known.
 */
export type MakeFilesystem = (type: string, data: string) => Filesystem | number | null;

export interface TreeParts {
  readonly boot: BootDocument;
  readonly client: GoferClient;
  readonly fds: HostFds;
  readonly make: MakeFilesystem;
  /** A mount was left out or a path could not be treated as asked; not an error. */
  readonly warn: (message: string) => void;
}

/** Mounts everything; the namespace's root is the container's. */
export function buildMounts(parts: TreeParts): MountNamespace {
  const { boot } = parts;
  const overlay = parseOverlay(boot.overlay2, boot.rootfs);
  const rootFs = goferTree(parts, 0, boot.rootReadonly && !overlay.root, overlay.root ? overlay : null);
  const ns = new MountNamespace(rootFs, 0, boot.rootfs);
  const ctx = new BootContext(ns.rootPath());
  let binds = 0;
  for (const mount of boot.spec.mounts ?? []) {
    addMount(parts, ns, ctx, mount, isBind(mount) ? boot.mounts[binds++]! : null, overlay);
  }
  for (const path of boot.spec.linux?.readonlyPaths ?? []) makeReadonly(ns, ctx, path);
  for (const path of boot.spec.linux?.maskedPaths ?? []) mask(parts, ns, ctx, path);
  if (boot.rootReadonly) ns.root.flags |= MS_RDONLY;
  return ns;
}

function addMount(
  parts: TreeParts,
  ns: MountNamespace,
  ctx: BootContext,
  spec: SpecMount,
  bind: BootMount | null,
  overlay: Overlay,
): void {
  const options = parseMountOptions(spec.options ?? []);
  // As runc takes it: `..` takes the word before it away, whatever that is, and stays below the root.
  const destination = posix.resolve('/', latin1(spec.destination));
  const covered = resolve(ctx, null, destination, 0);
  const fs =
    bind === null
      ? madeFilesystem(parts, spec, options, typeof covered === 'number' ? null : covered.dentry.inode)
      : goferTree(parts, bind.goferIndex, bind.readonly, overlay.binds ? overlay : null, bind.group !== 0);
  if (fs === null) {
    parts.warn(`mount ${spec.destination}: filesystem type ${spec.type ?? 'none'} is not supported`);
    return;
  }
  const at = mountPoint(ctx, destination, bind === null || bind.directory);
  if (typeof at === 'number') throw new StartError(`mount ${spec.destination}: ${errnoText(at)}`);
  const flags = options.flags & ~(MS_BIND | MS_REC);
  if (bind === null) fs.superFlags = flags & (fs instanceof Tmpfs ? ~MS_RDONLY : -1);
  if (options.copyUp && typeof covered !== 'number') {
    const copied = copyTree(ctx, covered, fs.root());
    if (copied < 0)
      throw new StartError(`tmpcopyup: failed to copy ${spec.destination}: ${errnoText(copied)}`);
  }
  const mounted = ns.mount(fs, at, flags, latin1(spec.source ?? spec.type ?? 'none'), options.data);
  if (typeof mounted === 'number') throw new StartError(`mount ${spec.destination}: ${errnoText(mounted)}`);
  if (bind !== null) {
    mounted.master = bind.group;
    for (const below of bind.beneath)
      addSubmount(parts, ns, ctx, bind, below, latin1(spec.source ?? ''), overlay);
  }
  if (options.propagation !== null)
    ns.setPropagation(mounted, options.propagation, options.propagationRecursive);
  if (spec.destination === '/dev' && bind === null) {
    const r = populateDev(
      fs.root(),
      ctx,
      parts.boot.spec.process?.terminal === true,
      parts.boot.spec.linux?.devices ?? [],
    );
    if (r < 0) throw new StartError(`default devices: ${errnoText(r)}`);
  }
}

/**
 * What the host has mounted beneath a bind's source is a mount here as well, with its own options. One that has gone
 * meanwhile, or is of a single file, is what the tree has there.
 */
function addSubmount(
  parts: TreeParts,
  ns: MountNamespace,
  ctx: BootContext,
  bind: BootMount,
  below: BootSubmount,
  source: string,
  overlay: Overlay,
): void {
  const name = latin1(below.path);
  const { flags } = parseMountOptions([...below.options, ...recursiveOptions(bind.options)]);
  const readonly = overlay.binds || (flags & MS_RDONLY) !== 0;
  const at = resolve(ctx, null, `${latin1(bind.destination)}/${name}`, 0);
  if (typeof at === 'number' || (at.dentry.inode!.mode & S_IFMT) !== S_IFDIR) return;
  const fs = goferTree(
    parts,
    bind.goferIndex,
    readonly,
    overlay.binds ? overlay : null,
    bind.group !== 0,
    name.split('/'),
  );
  const mounted = ns.mount(fs, at, flags, `${source}/${name}`);
  if (typeof mounted === 'number') return;
  mounted.master = below.group;
  if (bind.group !== 0 && fs instanceof GoferFilesystem) {
    fs.whenGone = () => void ns.umount(mounted, true, () => false);
  }
}

/** `covered` is what lies where it is to be mounted, or null. */
function madeFilesystem(
  parts: TreeParts,
  spec: SpecMount,
  options: MountOptions,
  covered: Inode | null,
): Filesystem | null {
  const type = spec.type ?? '';
  const made =
    type === 'tmpfs' || type === 'ramfs'
      ? Tmpfs.create(tmpfsOptions(options.data, covered), parts.boot.hostMemoryBytes, type)
      : parts.make(type, options.data);
  if (typeof made === 'number') throw new StartError(`mount ${spec.destination}: ${errnoText(made)}`);
  return made;
}

/** As runc: without a mode of its own it has that of the directory that it covers. */
function tmpfsOptions(data: string, covered: Inode | null): string {
  if (covered === null || /(^|,)mode=/.test(data)) return data;
  return `mode=${(covered.mode & 0o7777).toString(8)}${data === '' ? '' : `,${data}`}`;
}

function goferTree(
  parts: TreeParts,
  index: number,
  readonly: boolean,
  overlay: Overlay | null,
  slave = false,
  path: readonly string[] = [],
): Filesystem {
  const shared = index !== 0;
  const tree = GoferFilesystem.attach(parts.client, parts.fds, {
    tree: index,
    path,
    slave,
    dev: newAnonymousDev(),
    readonly,
    shared,
    live: overlay !== null,
  });
  if (typeof tree === 'number')
    throw new StartError(`cannot attach to the root filesystem: ${errnoText(tree)}`);
  if (overlay === null || (tree.root().mode & S_IFMT) !== S_IFDIR) return tree;
  const size = overlay.sizeBytes > 0 ? overlay.sizeBytes : Math.floor(parts.boot.hostMemoryBytes / 2);
  const upper = Tmpfs.create(
    `size=${size},nr_inodes=0`,
    parts.boot.hostMemoryBytes,
    'tmpfs',
    overlayStore(parts, overlay),
  );
  if (typeof upper === 'number') throw new StartError(`cannot make the overlay: ${errnoText(upper)}`);
  return new Overlayfs(tree, upper);
}

/** Where the upper layer's contents go; tried at once, so that a directory that can't be written fails the start. */
function overlayStore(parts: TreeParts, overlay: Overlay): FileStore {
  if (overlay.directory === undefined) return defaultStore();
  const store = new GoferFileStore(parts.client, STORE_OVERLAY);
  const tried = store.make();
  if (typeof tried === 'number') {
    throw new StartError(`overlay2: cannot make files in ${overlay.directory}: ${errnoText(tried)}`);
  }
  addon.close(tried.fd);
  addon.close(tried.readFd);
  return store;
}

/** linux.readonlyPaths: a read-only bind of the path on itself; a missing one is passed over, as runc does. */
function makeReadonly(ns: MountNamespace, ctx: BootContext, name: string): void {
  const path = resolve(ctx, null, latin1(name), 0);
  if (typeof path === 'number') return;
  const mounted = ns.bind(path, path, true);
  if (typeof mounted !== 'number') ns.setFlags(mounted, path.mount.flags | MS_RDONLY);
}

/** linux.maskedPaths: an empty read-only directory, or /dev/null over a file. */
function mask(parts: TreeParts, ns: MountNamespace, ctx: BootContext, name: string): void {
  const path = resolve(ctx, null, latin1(name), 0);
  if (typeof path === 'number') return;
  if ((path.dentry.inode!.mode & S_IFMT) === S_IFDIR) {
    const empty = Tmpfs.create('mode=755,size=0', parts.boot.hostMemoryBytes);
    if (typeof empty !== 'number') ns.mount(empty, path, MS_RDONLY, 'tmpfs');
    return;
  }
  const none = resolve(ctx, null, '/dev/null', 0);
  if (typeof none === 'number') {
    parts.warn(`cannot mask ${name}: there is no /dev/null`);
    return;
  }
  ns.bind(none, path, false);
}
