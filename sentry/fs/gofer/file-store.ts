/** Nameless files made by the gofer: it can open a file twice, which a kernel that opens no path cannot. */
import { addon } from '../../../native/addon.ts';
import { EIO } from '../../abi/errno.ts';
import type { GoferClient } from '../../../gofer/client/client.ts';
import { STORE_MEMORY, type STORE_OVERLAY } from '../../../gofer/protocol/messages.ts';
import type { FileStore, StoredFile } from '../../vfs/file-store.ts';

export class GoferFileStore implements FileStore {
  readonly inMemory: boolean;
  private readonly client: GoferClient;
  private readonly store: number;

  constructor(client: GoferClient, store: typeof STORE_MEMORY | typeof STORE_OVERLAY) {
    this.client = client;
    this.store = store;
    this.inMemory = store === STORE_MEMORY;
  }

  make(): StoredFile | number {
    const { client } = this;
    const r = client.memory(this.store);
    if (r < 0) return r;
    const { fd, fdToo } = client;
    if (fdToo >= 0) return { fd, readFd: fdToo };
    if (fd >= 0) addon.close(fd);
    return -EIO;
  }
}
