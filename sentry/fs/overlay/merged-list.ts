/** Listing a merged directory: taken once per pass over it, as overlayfs does, so that offsets stay what they are. */
import { O_DIRECTORY, O_NOATIME } from '../../abi/fcntl.ts';
import type { CallerContext } from '../../vfs/context.ts';
import { FIRST_ENTRY } from '../../vfs/directory-file.ts';
import type { DirectoryLister } from '../../vfs/directory-file.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { DirentSink, Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/path.ts';
import type { OverlayDirectory } from './directory.ts';

/** Collects the lower layer's names. */
class Collector implements DirentSink {
  readonly names: string[] = [];
  readonly inos: number[] = [];
  readonly types: number[] = [];

  add(name: string, ino: number, type: number, _nextOffset: number): boolean {
    if (name === '.' || name === '..') return true;
    this.names.push(name);
    this.inos.push(ino);
    this.types.push(type);
    return true;
  }
}

export class MergedLister implements DirectoryLister {
  private readonly dir: OverlayDirectory;
  private readonly path: Path;
  private entries: Collector | null = null;

  constructor(dir: OverlayDirectory, path: Path) {
    this.dir = dir;
    this.path = path;
  }

  list(from: number, sink: DirentSink, ctx: CallerContext): number {
    // A rewind looks again.
    if (this.entries === null || from === FIRST_ENTRY) {
      const taken = this.take(ctx);
      if (typeof taken === 'number') return taken;
      this.entries = taken;
    }
    const { names, inos, types } = this.entries;
    let i = from - FIRST_ENTRY;
    for (; i < names.length; i++) {
      if (!sink.add(names[i]!, inos[i]!, types[i]!, i + FIRST_ENTRY + 1)) break;
    }
    return Math.max(from, i + FIRST_ENTRY);
  }

  private take(ctx: CallerContext): Collector | number {
    const out = new Collector();
    if (this.dir.lower !== null) {
      const lower = new Collector();
      const r = listLower(this.dir.lower, this.path, lower, ctx);
      if (r < 0) return r;
      for (let i = 0; i < lower.names.length; i++) {
        const name = lower.names[i]!;
        if (!this.dir.decides(name)) out.add(name, lower.inos[i]!, lower.types[i]!, 0);
      }
    }
    this.dir.listOwn(out);
    return out;
  }
}

/** All entries of a lower directory, "." and ".." too. */
export function listLower(lower: Inode, path: Path, sink: DirentSink, ctx: CallerContext): number {
  const file: FileDescription | number = lower.open(path, O_DIRECTORY | O_NOATIME, ctx);
  if (typeof file === 'number') return file;
  file.incRef();
  let r = 0;
  for (let before = -1; r >= 0 && file.pos !== before;) {
    before = file.pos;
    r = file.readdir(sink, ctx);
  }
  file.decRef();
  return r;
}
