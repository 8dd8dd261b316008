/** devpts (pts(4)): /dev/pts with its ptmx and one node per slave. */
import { EIO, EINVAL, ENOENT, ENOSPC, ENXIO } from '../../abi/errno.ts';
import { DT_CHR, S_IFCHR, makedev } from '../../abi/stat.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { Task } from '../../kernel/task.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { lookupChild } from '../../vfs/dcache.ts';
import { FIRST_ENTRY } from '../../vfs/directory-file.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import { Path } from '../../vfs/path.ts';
import type { SetAttr } from '../../vfs/stat.ts';
import { DynamicDirectory } from '../pseudo/directory.ts';
import type { DynamicEntry } from '../pseudo/directory.ts';
import { PseudoFilesystem } from '../pseudo/filesystem.ts';
import { PseudoInode } from '../pseudo/inode.ts';
import type { HostTtyBackend } from './backend.ts';
import { type Console, makeConsole } from './console.ts';
import { Pty, PtyMasterFile } from './pty.ts';
import { openTty } from './tty-file.ts';
import type { Tty } from './tty.ts';

const DEVPTS_SUPER_MAGIC = 0x1cd1;
const O_CLOEXEC = 0o2000000;
/** kernel.pty.max, and what is kept for other instances. */
export const PTY_MAX = 4096;

/** Mount options; newinstance is always in force. */
export interface DevptsOptions {
  uid: number | null;
  gid: number | null;
  mode: number;
  ptmxmode: number;
  max: number;
}

/** Parses "newinstance,ptmxmode=0666,mode=0620,gid=5"; null for an unknown option. */
export function parseDevptsOptions(text: string): DevptsOptions | null {
  const options: DevptsOptions = { uid: null, gid: null, mode: 0o600, ptmxmode: 0, max: PTY_MAX };
  for (const part of text.split(',')) {
    const [name, value] = part.split('=', 2);
    const octal = parseInt(value ?? '', 8);
    const decimal = Number(value);
    if (name === 'uid' && decimal >= 0) options.uid = decimal;
    else if (name === 'gid' && decimal >= 0) options.gid = decimal;
    else if (name === 'mode' && octal >= 0) options.mode = octal & 0o777;
    else if (name === 'ptmxmode' && octal >= 0) options.ptmxmode = octal & 0o777;
    else if (name === 'max' && decimal >= 0) options.max = Math.min(decimal, PTY_MAX);
    else if (name !== '' && name !== 'newinstance') return null;
  }
  return options;
}

/** A slave's node: opens its terminal. */
class SlaveInode extends PseudoInode {
  readonly tty: Tty;

  constructor(fs: DevptsFilesystem, tty: Tty, index: number, uid: number, gid: number) {
    super(fs, S_IFCHR | fs.options.mode);
    this.tty = tty;
    this.ino = index + 3;
    this.uid = fs.options.uid ?? uid;
    this.gid = fs.options.gid ?? gid;
    this.rdev = tty.rdev;
    this.timeMs = Date.now();
  }

  override open(path: Path, flags: number, ctx: CallerContext): FileDescription | number {
    return openTty(this.tty, flags, path, this, ctx);
  }

  override setattr(attr: SetAttr): number {
    if (attr.size !== undefined) return -EINVAL;
    if (attr.mode !== undefined) this.mode = S_IFCHR | attr.mode;
    if (attr.uid !== undefined) this.uid = attr.uid;
    if (attr.gid !== undefined) this.gid = attr.gid;
    return 0;
  }
}

class PtmxInode extends PseudoInode {
  declare readonly fs: DevptsFilesystem;

  constructor(fs: DevptsFilesystem) {
    super(fs, S_IFCHR | fs.options.ptmxmode);
    this.ino = 2;
    this.rdev = makedev(5, 2);
  }

  override open(path: Path, flags: number, ctx: CallerContext): FileDescription | number {
    // The directory that holds this node is the instance's root, where the new slave's node will be.
    const root = path.dentry.parent;
    return this.fs.openMaster(root === null ? null : new Path(path.mount, root), path, this, flags, ctx);
  }

  override setattr(attr: SetAttr): number {
    if (attr.size !== undefined) return -EINVAL;
    if (attr.mode !== undefined) this.mode = S_IFCHR | attr.mode;
    if (attr.uid !== undefined) this.uid = attr.uid;
    if (attr.gid !== undefined) this.gid = attr.gid;
    return 0;
  }
}

class PtsDirectory extends DynamicDirectory {
  declare readonly fs: DevptsFilesystem;
  readonly ptmx: PtmxInode;

  constructor(fs: DevptsFilesystem) {
    super(fs, 0o755);
    this.ino = 1;
    this.ptmx = new PtmxInode(fs);
  }

  override lookup(name: string): Inode | number {
    if (name === 'ptmx') return this.ptmx;
    return /^(0|[1-9]\d*)$/.test(name) ? (this.fs.nodes.get(Number(name)) ?? -ENOENT) : -ENOENT;
  }

  protected override *listFrom(): Iterable<DynamicEntry> {
    yield { name: 'ptmx', ino: this.ptmx.ino, dtype: DT_CHR, offset: FIRST_ENTRY };
    const indices = [...this.fs.nodes.keys()].sort((a, b) => a - b);
    for (const index of indices) {
      yield { name: String(index), ino: index + 3, dtype: DT_CHR, offset: FIRST_ENTRY + 1 + index };
    }
  }
}

export class DevptsFilesystem extends PseudoFilesystem {
  readonly kernel: Kernel;
  readonly options: DevptsOptions;
  readonly nodes = new Map<number, SlaveInode>();

  constructor(kernel: Kernel, dev: number, options: DevptsOptions) {
    super('devpts', dev, DEVPTS_SUPER_MAGIC);
    this.kernel = kernel;
    this.options = options;
    this.setRoot(new PtsDirectory(this));
  }

  override showOptions(): string {
    const { uid, gid, mode, ptmxmode } = this.options;
    const owner = `${uid === null ? '' : `uid=${uid},`}${gid === null ? '' : `gid=${gid},`}`;
    return `${owner}mode=${octal(mode)},ptmxmode=${octal(ptmxmode)}`;
  }

  /**
   * A terminal of the host as a slave here, with the lowest free number; -ENOSPC when there is none, -EIO
   * when its other end is gone already. A lasting one stays, any other goes with its last open file or with its other end.
   */
  addConsole(host: HostTtyBackend, uid: number, gid: number, lasting: boolean): Console | number {
    const index = this.freeIndex();
    if (index < 0) return index;
    const console = makeConsole(this.kernel, host, index);
    const { tty, backend } = console;
    const r = lasting ? 0 : backend.admit();
    if (r < 0) return r;
    this.nodes.set(index, new SlaveInode(this, tty, index, uid, gid));
    if (!lasting) backend.onClose = () => this.nodes.delete(index);
    return console;
  }

  /** open(2) of ptmx: a new pair. `root` is this filesystem's root as the caller sees it, if it does. */
  openMaster(
    root: Path | null,
    path: Path,
    inode: Inode,
    flags: number,
    ctx: CallerContext,
  ): FileDescription | number {
    const index = this.freeIndex();
    if (index < 0) return index;
    const pty = new Pty(this.kernel, index, () => this.nodes.delete(index));
    this.nodes.set(index, new SlaveInode(this, pty.slave, index, ctx.creds.fsuid, ctx.creds.fsgid));
    return new PtyMasterFile(pty, flags, path, inode, (peerFlags, task) =>
      this.openPeer(pty, root, peerFlags, task),
    );
  }

  /** A slave by its device number, for nodes on other filesystems. */
  openSlave(
    index: number,
    inode: Inode,
    path: Path,
    flags: number,
    ctx: CallerContext,
  ): FileDescription | number {
    const node = this.nodes.get(index);
    return node === undefined ? -ENXIO : openTty(node.tty, flags, path, inode, ctx);
  }

  private freeIndex(): number {
    let index = 0;
    while (this.nodes.has(index)) index++;
    return index < this.options.max ? index : -ENOSPC;
  }

  private openPeer(pty: Pty, root: Path | null, flags: number, task: Task): number {
    const node = this.nodes.get(pty.index);
    if (root === null || node === undefined) return -EIO;
    const dentry = lookupChild(root.dentry, String(pty.index), task);
    if (typeof dentry === 'number') return dentry;
    const file = openTty(pty.slave, flags & ~O_CLOEXEC, new Path(root.mount, dentry), node, task);
    if (typeof file === 'number') return file;
    file.incRef();
    const fd = task.files.alloc(file, 0, (flags & O_CLOEXEC) !== 0);
    file.decRef();
    return fd;
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(3, '0');
}
