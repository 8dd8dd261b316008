/** Root, working directory, umask and mount namespace of a task; shared by CLONE_FS, copied by fork. */
import { holdPath, releasePath } from '../vfs/dcache.ts';
import type { Path } from '../vfs/path.ts';

export class FsContext<MountNamespace = unknown> {
  /** Tasks that use it. */
  users = 1;
  umask: number;
  /** vfs's MountNamespace. */
  mountNs: MountNamespace;
  private rootPath: Path;
  private cwdPath: Path;

  constructor(root: Path, cwd: Path, umask: number, mountNs: MountNamespace) {
    this.rootPath = root;
    this.cwdPath = cwd;
    this.umask = umask;
    this.mountNs = mountNs;
    holdPath(root);
    holdPath(cwd);
  }

  get root(): Path {
    return this.rootPath;
  }
  set root(path: Path) {
    holdPath(path);
    releasePath(this.rootPath);
    this.rootPath = path;
  }

  get cwd(): Path {
    return this.cwdPath;
  }
  set cwd(path: Path) {
    holdPath(path);
    releasePath(this.cwdPath);
    this.cwdPath = path;
  }

  clone(): FsContext<MountNamespace> {
    return new FsContext(this.rootPath, this.cwdPath, this.umask, this.mountNs);
  }

  release(): void {
    if (--this.users > 0) return;
    releasePath(this.rootPath);
    releasePath(this.cwdPath);
  }
}
