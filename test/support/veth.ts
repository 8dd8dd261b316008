// Two network namespaces of the host, joined by a veth pair: one for a container, one for whoever it talks to.

import { execFileSync } from 'node:child_process';

export const INSIDE = '10.77.0.1';
export const OUTSIDE = '10.77.0.2';
export const INSIDE6 = 'fd00:77::1';
export const OUTSIDE6 = 'fd00:77::2';

let count = 0;

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

export class VethPair {
  readonly inside = `veth-${process.pid}-${++count}a`;
  readonly outside = `veth-${process.pid}-${count}b`;

  constructor() {
    for (const name of [this.inside, this.outside]) {
      ip('netns', 'add', name);
      ip('-n', name, 'link', 'set', 'lo', 'up');
    }
    ip(
      '-n',
      this.inside,
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      this.outside,
    );
    for (const [name, v4, v6] of [
      [this.inside, INSIDE, INSIDE6],
      [this.outside, OUTSIDE, OUTSIDE6],
    ] as const) {
      ip('-n', name, 'address', 'add', `${v4}/24`, 'dev', 'eth0');
      // Without the second in which an address is looked for on the link.
      ip('-n', name, 'address', 'add', `${v6}/64`, 'dev', 'eth0', 'nodad');
      ip('-n', name, 'link', 'set', 'eth0', 'up');
    }
  }

  /** What config.json names. */
  path(name: string): string {
    return `/run/netns/${name}`;
  }

  /** Takes the container's interface down, or up. */
  setInside(state: 'up' | 'down'): void {
    ip('-n', this.inside, 'link', 'set', 'eth0', state);
  }

  remove(): void {
    for (const name of [this.inside, this.outside]) ip('netns', 'delete', name);
  }
}
