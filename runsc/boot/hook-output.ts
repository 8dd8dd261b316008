/** What a startContainer hook writes: read as it comes, so that the hook never waits, and the beginning kept. */
import { O_WRONLY } from '../../sentry/abi/fcntl.ts';
import { READABLE } from '../../sentry/abi/poll.ts';
import { Waiter } from '../../sentry/base/wait-queue.ts';
import { PipeInode } from '../../sentry/fs/pipe/anon-pipe.ts';
import { PipeFile } from '../../sentry/fs/pipe/pipe-file.ts';

const KEPT_BYTES = 511;
const chunk = Buffer.alloc(8192);

export class HookOutput {
  /** The hook's end. */
  readonly file: PipeFile;
  private readonly inode = new PipeInode(0, 0);
  private readonly kept = Buffer.alloc(KEPT_BYTES);
  private length = 0;
  private readonly waiter = new Waiter(() => {
    this.drain();
  });

  constructor() {
    const { pipe } = this.inode;
    pipe.addEnds(true, false);
    pipe.queue.add(this.waiter, READABLE);
    this.file = new PipeFile(pipe, O_WRONLY, null, this.inode);
  }

  /** The text so far. Nobody reads what its children may write from now on. */
  end(): string {
    this.waiter.remove();
    this.inode.pipe.dropEnds(true, false);
    return this.kept.toString('utf8', 0, this.length);
  }

  private drain(): void {
    for (;;) {
      const n = this.inode.pipe.read(chunk, 0, chunk.length);
      if (n <= 0) return;
      this.length += chunk.copy(this.kept, this.length, 0, Math.min(n, KEPT_BYTES - this.length));
    }
  }
}
