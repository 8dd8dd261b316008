// Builds the native parts with node-gyp, using the headers that came with this node where there are any, so
// that a machine with Debian's libnode-dev needs no download.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const nodeGyp = findNodeGyp();
const prefix = resolve(dirname(process.execPath), '..');
const args = [nodeGyp, process.argv[2] ?? 'rebuild', '--jobs', 'max'];
if (existsSync(join(prefix, 'include/node/node_api.h'))) args.push(`--nodedir=${prefix}`);
const result = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
process.exit(result.status ?? 1);

/** Ours in a source tree; npm's own where a package is installed. */
function findNodeGyp() {
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    const { npm_config_node_gyp: npms } = process.env;
    if (npms !== undefined) return npms;
    console.error('build: no node-gyp: run `npm ci`, with the development dependencies');
    process.exit(1);
  }
}
