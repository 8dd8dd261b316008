/** Generated symbolic links: fixed texts, texts made at each look, and proc's links to objects. */
import { ELOOP } from '../../abi/errno.ts';
import { S_IFLNK } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import type { PseudoFilesystem } from './filesystem.ts';
import { PseudoInode } from './inode.ts';

export type LinkText = string | ((ctx: CallerContext) => string | number);
/** The object itself; a negated errno; null where the text is to be followed after all. */
export type LinkTarget = (ctx: CallerContext) => Path | number | null;

export class PseudoSymlink extends PseudoInode {
  private readonly text: LinkText;
  private readonly target: LinkTarget | null;

  constructor(fs: PseudoFilesystem, text: LinkText, target: LinkTarget | null = null, mode = 0o777) {
    super(fs, S_IFLNK | mode);
    this.text = text;
    this.target = target;
  }

  /** proc's links say 0 (64 for those in fd/), fixed texts their length. */
  override size(): number {
    return typeof this.text === 'string' ? this.text.length : this.target === null ? 0 : 64;
  }

  override readlink(ctx: CallerContext): string | number {
    return typeof this.text === 'string' ? this.text : this.text(ctx);
  }

  override followMagic(ctx: CallerContext): Path | number | null {
    return this.target === null ? null : this.target(ctx);
  }

  override open(_path: Path, _flags: number, _ctx: CallerContext): FileDescription | number {
    return -ELOOP;
  }
}
