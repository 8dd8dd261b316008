// Builds a tree for arm64 machines on another machine: `node runsc/build/cross.mjs [DIRECTORY]`, build/arm64 by
// default. It holds all that `runsc` needs at run time and can be copied anywhere; node comes from the PATH there.
//
//   RUNSC_NODE_HEADERS  directory with node_api.h and v8.h; default: those of this node (the API is the same everywhere)
//   RUNSC_CROSS         prefix of the compilers, default aarch64-linux-gnu-
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const output = resolve(process.argv[2] ?? join(root, 'build/arm64'));
const prefix = process.env.RUNSC_CROSS ?? 'aarch64-linux-gnu-';
const binaries = join(output, 'build/Release');

main();

async function main() {
  const headers = nodeHeaders();
  if (!existsSync(join(root, 'dist/sentry.cjs'))) fail('dist/ is not built: run `npm run build` first');
  rmSync(output, { recursive: true, force: true });
  mkdirSync(binaries, { recursive: true });
  buildTargets(headers);
  run('sh', ['native/stub/build.sh', 'aarch64', join(binaries, 'stub')], { STUB_CC: `${prefix}gcc` });
  copyScripts();
  await writeSyscallTable();
  console.log(output);
}

/** The compiled targets of binding.gyp, which is plain JSON. */
function buildTargets(headers) {
  const { targets } = JSON.parse(readFileSync(join(root, 'binding.gyp'), 'utf8'));
  for (const target of targets) {
    if (target.sources === undefined) continue;
    const executable = target.type === 'executable';
    const flags = [
      ...target.cflags_cc,
      ...(target.defines ?? []).map((define) => `-D${define}`),
      ...(target.include_dirs ?? []).map((directory) => `-I${directory}`),
      ...(executable
        ? (target.ldflags ?? [])
        : ['-DBUILDING_NODE_EXTENSION', `-I${headers}`, '-fPIC', '-shared']),
    ];
    const name = executable ? target.target_name : `${target.target_name}.node`;
    run(`${prefix}g++`, [...flags, ...target.sources, '-pthread', '-o', join(binaries, name)]);
  }
}

/** Bundles are the same for all machines. Code caches are not, and node-path is this machine's. */
function copyScripts() {
  for (const name of ['runsc', 'sentry', 'gofer']) {
    for (const extension of ['cjs', 'bundle.cjs']) copy(`dist/${name}.${extension}`);
  }
  for (const name of ['systemd', 'image-maker']) copy(`dist/${name}.cjs`);
  copy('runsc/bin/runsc');
  copy('package.json');
  copy('LICENSE');
}

function copy(path) {
  mkdirSync(dirname(join(output, path)), { recursive: true });
  copyFileSync(join(root, path), join(output, path));
}

/** dist/syscalls.json of that architecture, as runsc/build/build.mjs writes this one's. */
async function writeSyscallTable() {
  const program = join(output, '.syscalls.cjs');
  const contents = `import { tableOf } from './syscalls/table/index.ts';
    const support = tableOf('arm64').map(({ number, name, support, note }) => ({ number, name, support, note }));
    require('node:fs').writeFileSync(process.argv[2], JSON.stringify(support));`;
  await build({
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['*.node'],
    define: { RUNSC_VERSION: '"0"', 'import.meta.url': 'bundleUrl' },
    banner: { js: "const bundleUrl = require('node:url').pathToFileURL(process.env.BUNDLE).href;" },
    stdin: { contents, resolveDir: root, loader: 'ts' },
    outfile: program,
    logLevel: 'warning',
  });
  // As if it stood in dist/: the table's modules load this machine's addon.
  run(process.execPath, [program, join(output, 'dist/syscalls.json')], { BUNDLE: join(root, 'dist/x.cjs') });
  rmSync(program);
}

function nodeHeaders() {
  const own = resolve(dirname(process.execPath), '../include/node');
  const found = [process.env.RUNSC_NODE_HEADERS, own].find(
    (path) => path && existsSync(join(path, 'node_api.h')),
  );
  if (found === undefined) fail('no node_api.h: set RUNSC_NODE_HEADERS to the directory that has it');
  return found;
}

function run(program, args, environment = {}) {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
  });
  if (error !== undefined) fail(`cannot run ${program}: ${error.message}`);
  if (status !== 0) fail(`${program} failed`);
}

function fail(message) {
  console.error(`cross: ${message}`);
  process.exit(1);
}
