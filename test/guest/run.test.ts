// Every family of guest programs, compared with Linux (family.ts).

import { readdirSync } from 'node:fs';

import { testFamily } from './family.ts';
import { programsOf } from './programs.ts';

/** What a family's programs need beside loopback. */
const more: Readonly<Record<string, readonly string[]>> = { raw: ['--net-raw'] };

/** What their users may do beside what everybody may in a container. */
const capabilities: Readonly<Record<string, readonly string[]>> = {
  filter: ['CAP_NET_ADMIN'],
  // Without a limit to what is in flight.
  hostile: ['CAP_SYS_ADMIN'],
};

for (const entry of readdirSync(import.meta.dirname, { withFileTypes: true })) {
  if (entry.isDirectory() && programsOf(entry.name).length > 0) {
    const flags = ['--network', 'none', ...(more[entry.name] ?? [])];
    testFamily(entry.name, flags, entry.name, capabilities[entry.name]);
  }
}
