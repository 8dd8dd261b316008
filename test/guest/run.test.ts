// Every family of guest programs, compared with Linux (family.ts).

import { readdirSync } from 'node:fs';

import { testFamily } from './family.ts';
import { programsOf } from './programs.ts';

/** What a family's programs need beside loopback. */
const more: Readonly<Record<string, readonly string[]>> = { raw: ['--net-raw'] };

for (const entry of readdirSync(import.meta.dirname, { withFileTypes: true })) {
  if (entry.isDirectory() && programsOf(entry.name).length > 0) {
    testFamily(entry.name, ['--network', 'none', ...(more[entry.name] ?? [])]);
  }
}
