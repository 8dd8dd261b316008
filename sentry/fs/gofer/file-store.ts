/** Nameless files made by the gofer: it can open a file twice, which a kernel that opens no path cannot. */
import { EIO } from '../../abi/errno.ts';
import type { GoferClient } from '../../../gofer/client/client.ts';
import { MEMORY_LIMIT, STORE_MEMORY, type STORE_OVERLAY } from '../../../gofer/protocol/messages.ts';
import type { FileStore, StoredFile } from '../../vfs/file-store.ts';

export class GoferFileStore implements FileStore {
  readonly inMemory: boolean;
  private readonly client: GoferClient;
  private readonly store: number;
  /** Made and not used yet: who needs many (git maps each object) pays for few exchanges. */
  private readonly spare: StoredFile[] = [];
  /** Files made so far. */
  private made = 0;

  constructor(client: GoferClient, store: typeof STORE_MEMORY | typeof STORE_OVERLAY) {
    this.client = client;
    this.store = store;
    this.inMemory = store === STORE_MEMORY;
  }

  make(): StoredFile | number {
    const spare = this.spare.pop();
    if (spare !== undefined) return spare;
    const { client } = this;
    // Those on disk are one container's, which may end before the kernel does: none is left over.
    const more = this.inMemory ? Math.min(this.made >> 1, MEMORY_LIMIT) : 1;
    const r = client.memory(this.store, Math.max(1, more));
    if (r < 0) return r;
    const count = Math.min(client.reply.u32(), client.fdCount >> 1);
    if (count === 0) return -EIO;
    this.made += count;
    for (let i = 0; i < count; i++)
      this.spare.push({ fd: client.fds[2 * i]!, readFd: client.fds[2 * i + 1]! });
    return this.spare.pop()!;
  }
}
