/** A gofer server as its own process, for tests: argv is the tree, "ro" or "rw", and the directory limit. */
import { dirname, basename } from 'node:path';
import { lockDown } from '../../../gofer/server/seccomp.ts';
import { openSession, serve } from '../../../gofer/server/server.ts';

const [tree = '/nonexistent', access = 'rw', limit = '4096'] = process.argv.slice(2);
process.umask(0);
const source = { index: 0, container: dirname(tree), name: basename(tree), readonly: access === 'ro' };
const session = openSession([source], Number(limit));
lockDown();
serve(3, session);
