/** Places as text: getcwd(2), /proc/PID/{cwd,root,fd,maps,mountinfo}. */
import type { Path } from './path.ts';

/** Absolute path of a place below `root`; null when it cannot be reached from there. Links never occur in it. */
export function pathFrom(path: Path, root: Path): string | null {
  const text = climb(path, root);
  return reached ? text : null;
}

/**
 * As shown by /proc: from the caller's root (or, when that is not above it, from as high as it goes), with
 * " (deleted)" when its name is gone.
 */
export function showPath(path: Path, root: Path): string {
  const text = climb(path, root);
  return path.dentry.deleted ? `${text} (deleted)` : text;
}

let reached = false;

function climb(path: Path, root: Path): string {
  let { mount, dentry } = path;
  let text = '';
  reached = true;
  while (dentry !== root.dentry || mount !== root.mount) {
    if (dentry === mount.root) {
      if (mount.parent === null || mount.mountpoint === null) {
        // The namespace's own root: reached only when that is where the caller's root is.
        reached = false;
        break;
      }
      dentry = mount.mountpoint;
      mount = mount.parent;
      continue;
    }
    if (dentry.parent === null) {
      reached = false;
      break;
    }
    text = `/${dentry.name}${text}`;
    dentry = dentry.parent;
  }
  return text === '' ? '/' : text;
}
