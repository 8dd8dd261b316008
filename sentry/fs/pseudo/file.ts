/** Generated files: the text is made when it is read from the start, as seq_file does; knobs take what is written. */
import { EINVAL, EIO, ESPIPE } from '../../abi/errno.ts';
import { SEEK_CUR, SEEK_SET } from '../../abi/fcntl.ts';
import { S_IFREG } from '../../abi/stat.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/path.ts';
import type { PseudoFilesystem } from './filesystem.ts';
import { PseudoInode } from './inode.ts';

/** Makes the content: latin1 text, bytes, or a negated errno. */
export type Generate = (ctx: CallerContext) => string | Uint8Array | number;
/** Takes what one write(2) brought: 0 or a negated errno. */
export type Accept = (text: string, ctx: CallerContext) => number;
/** Decides at open(2): 0 or a negated errno. */
export type Admit = (flags: number, ctx: CallerContext) => number;

/** One write to a knob is at most this many bytes, as proc_sys_write and kernfs have it. */
const KNOB_MAX = 4096;

export class GeneratedFile extends PseudoInode {
  readonly generate: Generate | null;
  readonly accept: Accept | null;
  private readonly admit: Admit | null;
  /** A file of proc's, read as a sequence: splice(2) and pwrite(2) are not for it. */
  get sequence(): boolean {
    return this.fs.type === 'proc';
  }

  /** `mode`: permission bits. */
  constructor(
    fs: PseudoFilesystem,
    mode: number,
    generate: Generate | null,
    accept: Accept | null = null,
    admit: Admit | null = null,
  ) {
    super(fs, S_IFREG | mode);
    this.generate = generate;
    this.accept = accept;
    this.admit = admit;
  }

  override open(path: Path, flags: number, ctx: CallerContext): FileDescription | number {
    const r = this.admit === null ? 0 : this.admit(flags, ctx);
    return r < 0 ? r : new GeneratedDescription(flags, path, this);
  }
}

/** A file of /proc/sys, which takes reads and writes at any offset. */
export class SysctlFile extends GeneratedFile {
  override get sequence(): boolean {
    return false;
  }
}

class GeneratedDescription extends FileDescription {
  private readonly file: GeneratedFile;
  private content: Uint8Array | null = null;

  constructor(flags: number, path: Path, file: GeneratedFile) {
    super(flags, path, file);
    this.file = file;
  }

  override get splicesOut(): boolean {
    return !this.file.sequence;
  }
  override get splicesIn(): boolean {
    return !this.file.sequence;
  }
  override get writesPositioned(): boolean {
    return !this.file.sequence && (this.writable || this.file.fs.type === 'proc');
  }

  override read(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    const n = this.pread(buf, off, len, this.pos, ctx);
    if (n > 0) this.pos += n;
    return n;
  }

  override pread(buf: Uint8Array, off: number, len: number, pos: number, ctx: CallerContext): number {
    if (this.content === null || pos === 0) {
      if (this.file.generate === null) return -EINVAL;
      const made = this.file.generate(ctx);
      if (typeof made === 'number') return made;
      this.content = typeof made === 'string' ? Buffer.from(made, 'latin1') : made;
    }
    const n = Math.min(len, this.content.length - pos);
    if (n <= 0) return 0;
    buf.set(this.content.subarray(pos, pos + n), off);
    return n;
  }

  override write(buf: Uint8Array, off: number, len: number, ctx: CallerContext): number {
    if (this.file.accept === null) return -EIO;
    if (len > KNOB_MAX) return -EINVAL;
    const r = this.file.accept(Buffer.from(buf.subarray(off, off + len)).latin1Slice(), ctx);
    if (r < 0) return r;
    this.pos += len;
    return len;
  }

  override pwrite(buf: Uint8Array, off: number, len: number, _pos: number, ctx: CallerContext): number {
    return this.file.sequence ? -ESPIPE : this.write(buf, off, len, ctx);
  }

  override seek(offset: number, whence: number): number {
    const to = whence === SEEK_SET ? offset : whence === SEEK_CUR ? this.pos + offset : -1;
    if (to < 0) return -EINVAL;
    this.pos = to;
    return to;
  }

  override truncate(_size: number): number {
    return 0;
  }
}
