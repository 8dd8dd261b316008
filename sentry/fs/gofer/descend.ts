/** The way from a tree's root to a directory that is attached on its own: what the host has mounted there. */
import { ENOTDIR } from '../../abi/errno.ts';
import type { GoferClient } from '../../../gofer/client/client.ts';

/** From the attached root down: the last directory's attributes, and its handle as the client's. A negated errno. */
export function descend(client: GoferClient, path: readonly string[], attrs: Float64Array): number {
  for (let done = 0; done < path.length;) {
    const from = client.handle;
    const result = client.walk(from, path.slice(done));
    const m = client.reply;
    const found = m.u32();
    let handle = 0;
    for (let i = 0; i < found; i++) {
      if (handle !== 0) client.clunk(handle, 1);
      m.attrs(attrs);
      handle = m.u32();
      m.text();
    }
    if (done > 0) client.clunk(from, 1);
    if (handle === 0) return result < 0 ? result : -ENOTDIR;
    client.handle = handle;
    done += found;
    if (result < 0) {
      client.clunk(handle, 1);
      return result;
    }
  }
  return 0;
}
