// The families of guest programs that use sockets, once more with the sockets of a network namespace of the host: a new
// one, with lo alone, as under runc.

import { testFamily } from './family.ts';

for (const family of ['inet', 'unix', 'epoll', 'poll', 'filter']) {
  testFamily(family, ['--network', 'host'], `${family} on host sockets`);
}
