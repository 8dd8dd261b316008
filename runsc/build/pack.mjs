// Run by `npm pack`, before and after: puts the binaries of both architectures into prebuilds/, and with --clean
// takes them away again, since a source tree with prebuilds/ would be taken for a package.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const prebuilds = join(root, 'prebuilds');

rmSync(prebuilds, { recursive: true, force: true });
if (!process.argv.includes('--clean')) {
  run('build.mjs');
  collect(process.arch, root);
  if (process.arch === 'x64') {
    const tree = join(root, 'build/arm64');
    run('cross.mjs', tree);
    collect('arm64', tree);
  }
}

function collect(arch, tree) {
  const target = join(prebuilds, `linux-${arch}`);
  mkdirSync(target, { recursive: true });
  for (const name of [
    'runsc_addon.node',
    'launcher',
    'front',
    'stub',
    ...(arch === 'x64' ? ['restore', 'rehearsal', 'rehearsal-dynamic'] : []),
  ]) {
    copyFileSync(join(tree, 'build/Release', name), join(target, name));
  }
  copyFileSync(join(tree, 'dist/syscalls.json'), join(target, 'syscalls.json'));
}

function run(script, ...args) {
  // npm's output is the name of the package.
  const stdio = ['ignore', 2, 2];
  const { status } = spawnSync(process.execPath, [join(root, 'runsc/build', script), ...args], { stdio });
  if (status === 0) return;
  if (existsSync(prebuilds)) rmSync(prebuilds, { recursive: true });
  process.exit(status ?? 1);
}
