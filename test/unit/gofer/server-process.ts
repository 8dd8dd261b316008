/** A gofer server as its own process, for tests: argv is the tree, "ro" or "rw", and the directory limit. */
import { mkdirSync } from 'node:fs';
import { dirname, basename, join } from 'node:path';
import { lockDown } from '../../../gofer/server/seccomp.ts';
import { openSession, serve } from '../../../gofer/server/server.ts';

const [tree = '/nonexistent', access = 'rw', limit = '4096'] = process.argv.slice(2);
process.umask(0);
const source = { index: 0, container: dirname(tree), name: basename(tree), readonly: access === 'ro' };
const store = join(dirname(tree), 'store');
mkdirSync(store, { recursive: true });
const session = openSession([source], Number(limit), [store]);
lockDown(false);
serve(3, session);
