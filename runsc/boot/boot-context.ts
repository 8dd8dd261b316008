/** The caller on whose behalf the Sentry builds the container's tree before any task exists: root, with every right. */
import { CAP_FULL, Credentials } from '../../sentry/auth/credentials.ts';
import { panic } from '../../sentry/base/panic.ts';
import type { CallerContext } from '../../sentry/vfs/context.ts';
import type { Path } from '../../sentry/vfs/path.ts';

export class BootContext implements CallerContext {
  readonly creds = new Credentials({ permitted: CAP_FULL, effective: CAP_FULL, inheritable: CAP_FULL });
  readonly root: Path;
  readonly cwd: Path;
  readonly umask = 0;
  readonly tid = 0;
  readonly pid = 0;
  readonly pidns = {};
  readonly group = {};
  readonly fileSizeLimit = Infinity;
  onUnblock: (() => void) | null = null;
  ownIo = null;

  constructor(root: Path) {
    this.root = root;
    this.cwd = root;
  }

  waitOn(): number {
    return panic('boot: a file operation would wait');
  }
  signalSelf(): void {
    panic('boot: there is no task to signal');
  }
  copyIn(): number {
    return noMemory();
  }
  copyInBytes(): number {
    return noMemory();
  }
  copyInTo(): number {
    return noMemory();
  }
  copyInString(): number {
    return noMemory();
  }
  readU32(): null {
    return noMemory();
  }
  readI32(): null {
    return noMemory();
  }
  readU64(): null {
    return noMemory();
  }
  readI64(): null {
    return noMemory();
  }
  stage(): number {
    return noMemory();
  }
  copyOutStaged(): number {
    return noMemory();
  }
  copyOutBytes(): number {
    return noMemory();
  }
  writeU32(): number {
    return noMemory();
  }
  writeI32(): number {
    return noMemory();
  }
  writeU64(): number {
    return noMemory();
  }
  writeI64(): number {
    return noMemory();
  }
}

function noMemory(): never {
  return panic('boot: there is no guest memory');
}
