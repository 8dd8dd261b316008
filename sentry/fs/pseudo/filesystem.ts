/** A filesystem whose tree is made by the kernel: proc, sysfs, cgroup2, devpts. */
import { panic } from '../../base/panic.ts';
import { statfsWithoutBlocks, type Filesystem, type Inode, type StatFs } from '../../vfs/inode.ts';

export class PseudoFilesystem implements Filesystem {
  readonly?: boolean;
  get noexec(): boolean {
    return this.type === 'proc' || this.type === 'sysfs';
  }
  readonly type: string;
  readonly dev: number;
  private readonly magic: number;
  private rootInode: Inode | null = null;
  /** 1 is the root. */
  private lastIno = 1;
  /** When it was made: the time stamps of everything static in it. */
  readonly bornMs = Date.now();

  /** `magic` is statfs's f_type. */
  constructor(type: string, dev: number, magic: number) {
    this.type = type;
    this.dev = dev;
    this.magic = magic;
  }

  root(): Inode {
    return this.rootInode ?? panic(`${this.type} has no root yet`);
  }

  /** Called once by the maker of the tree. */
  setRoot(inode: Inode): void {
    inode.ino = 1;
    this.rootInode = inode;
  }

  nextIno(): number {
    return ++this.lastIno;
  }

  showOptions(): string {
    return '';
  }

  statfs(out: StatFs): number {
    return statfsWithoutBlocks(out, this.magic);
  }

  sync(): number {
    return 0;
  }

  destroy(): void {
    // a generated tree holds nothing
  }
}
