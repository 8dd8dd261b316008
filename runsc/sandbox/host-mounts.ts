// The host's mount table (proc_pid_mountinfo(5)), as the launcher is going to clone trees of it.

import { readFileSync, realpathSync } from 'node:fs';

import type { BootSubmount } from './boot-document.ts';

interface HostMount {
  readonly id: string;
  readonly parent: string;
  readonly at: string;
  readonly options: readonly string[];
  /** The peer group from which it receives mounts as a slave would; 0: none. */
  readonly group: number;
}

/** What a bind of one path takes from the host. */
export interface HostTree {
  /** As HostMount, of the mount that the path is in. */
  readonly group: number;
  /** What is mounted beneath the path and not hidden by something else, parents first. */
  readonly beneath: readonly BootSubmount[];
}

export class HostMounts {
  readonly #mounts: readonly HostMount[];
  /** By parent and mount point. */
  readonly #children = new Map<string, HostMount>();
  readonly #root: HostMount | undefined;

  constructor(mountinfo: string) {
    this.#mounts = mountinfo.split('\n').flatMap(parse);
    const ids = new Set(this.#mounts.map(({ id }) => id));
    this.#root = this.#mounts.find(({ at, parent }) => at === '/' && !ids.has(parent));
    for (const mount of this.#mounts) this.#children.set(`${mount.parent} ${mount.at}`, mount);
  }

  static read(): HostMounts {
    return new HostMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  }

  tree(source: string): HostTree {
    const path = realPath(source);
    const prefix = path === '/' ? '/' : `${path}/`;
    const beneath = this.#mounts
      .filter((mount) => mount.at !== path && mount.at.startsWith(prefix) && this.#at(mount.at) === mount)
      .sort((one, other) => one.at.length - other.at.length)
      .map(({ at, options, group }) => ({ path: at.slice(prefix.length), options, group }));
    return { group: this.#at(path)?.group ?? 0, beneath };
  }

  /** The mount that one arrives in on the way down to a path: what is hidden is never it. */
  #at(path: string): HostMount | undefined {
    let at = this.#root;
    for (let end = 0; at !== undefined && end >= 0;) {
      const place: string = end === 0 ? '/' : path.slice(0, end);
      for (let on = this.#on(at, place); on !== undefined && on !== at; on = this.#on(at, place)) at = on;
      if (end === path.length || path === '/') break;
      const next = path.indexOf('/', end + 1);
      end = next < 0 ? path.length : next;
    }
    return at;
  }

  #on(mount: HostMount, place: string): HostMount | undefined {
    return this.#children.get(`${mount.id} ${place}`);
  }
}

/** What can be mounted need not have a name any more: a link in /proc/PID/fd. */
function realPath(source: string): string {
  try {
    return realpathSync(source);
  } catch {
    return source;
  }
}

/** proc_pid_mountinfo(5): id, parent, device, root, mount point, options, optional fields, "-", … */
function parse(line: string): HostMount[] {
  const [id, parent, , , at, options, ...rest] = line.split(' ');
  if (id === undefined || parent === undefined || at === undefined || options === undefined) return [];
  const fields = rest.slice(0, rest.indexOf('-'));
  const group = fields.find((field) => field.startsWith('shared:')) ?? fields.find(isMaster) ?? ':0';
  return [
    { id, parent, at: unescape(at), options: options.split(','), group: Number(group.split(':')[1]) || 0 },
  ];
}

function isMaster(field: string): boolean {
  return field.startsWith('master:');
}

/** Blanks, backslashes and the like are octal. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
