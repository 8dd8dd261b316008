/** The rest of a path, fetched in one exchange before the VFS asks for it name by name. */
import { ENOENT } from '../../abi/errno.ts';
import { ATTR_COUNT } from '../../../gofer/protocol/messages.ts';
import type { GoferDirectory } from './directory.ts';
import type { GoferFilesystem } from './filesystem.ts';
import type { GoferInode } from './inode.ts';

/** Deeper paths are fetched in parts. */
const DEPTH = 32;

export class FetchAhead {
  readonly scratch = new Float64Array(ATTR_COUNT);
  private readonly fs: GoferFilesystem;
  /** Components fetched and not yet asked for are next…count; component `next` is a name of `parent`. */
  private parent: GoferDirectory | null = null;
  private next = 0;
  private count = 0;
  private readonly names: string[] = [];
  private readonly attrs = new Float64Array(DEPTH * ATTR_COUNT);
  private readonly handles = new Int32Array(DEPTH);
  private readonly targets: string[] = [];
  /** The name after the last component is missing. */
  private missing = '';
  /** client.calls then: any exchange since may have changed the tree. */
  private madeAt = 0;

  constructor(fs: GoferFilesystem) {
    this.fs = fs;
  }

  fetch(directory: GoferDirectory, names: readonly string[]): void {
    if (this.knows(directory, names[0]!)) return;
    this.drop();
    const handle = directory.ensureHandle();
    if (handle < 0) return;
    const client = this.fs.client;
    const wanted = names.length > DEPTH ? names.slice(0, DEPTH) : names;
    const result = client.walk(handle, wanted);
    const m = client.reply;
    // A failure that brought nothing is the single lookup's to find out.
    if (result < 0 && result !== -ENOENT) return;
    const found = Math.min(m.u32(), DEPTH);
    for (let i = 0; i < found; i++) {
      this.names[i] = wanted[i]!;
      m.attrs(this.attrs, i * ATTR_COUNT);
      this.handles[i] = m.u32();
      this.targets[i] = m.text();
    }
    this.parent = directory;
    this.madeAt = client.calls;
    this.count = found;
    this.missing = result === -ENOENT ? (wanted[found] ?? '') : '';
  }

  /** What is known of a name: the inode, -ENOENT, or undefined when it was not fetched. */
  take(directory: GoferDirectory, name: string): GoferInode | number | undefined {
    if (!this.knows(directory, name)) return undefined;
    const i = this.next;
    if (i === this.count) {
      this.drop();
      return -ENOENT;
    }
    const handle = this.handles[i]!;
    const inode = this.fs.inodeAt(this.attrs, i * ATTR_COUNT, directory, name, handle, this.targets[i]!);
    this.next = i + 1;
    this.parent = handle !== 0 ? (inode as GoferDirectory) : null;
    return inode;
  }

  private knows(directory: GoferDirectory, name: string): boolean {
    if (this.parent !== directory || this.madeAt !== this.fs.client.calls) return false;
    return (this.next === this.count ? this.missing : this.names[this.next]) === name;
  }

  /** Gives back what nobody asked for: it must not be believed later. */
  drop(): void {
    for (let i = this.next; i < this.count; i++) {
      if (this.handles[i] !== 0) this.fs.client.clunk(this.handles[i]!, 1);
    }
    this.parent = null;
    this.next = 0;
    this.count = 0;
    this.missing = '';
  }
}
