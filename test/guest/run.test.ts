// Every family of guest programs, compared with Linux (family.ts).

import { readdirSync } from 'node:fs';

import { testFamily } from './family.ts';
import { programsOf } from './programs.ts';

for (const entry of readdirSync(import.meta.dirname, { withFileTypes: true })) {
  if (entry.isDirectory() && programsOf(entry.name).length > 0) testFamily(entry.name, ['--network', 'none']);
}
