// Run by npm after it has unpacked the tree. A package has bundles and prebuilt binaries: where those run, no
// compiler is needed. Anything else is built: a package's binaries, or all of a source tree.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCaches, writeNodePath } from './machine-files.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const prebuilt = join(root, 'prebuilds', `linux-${process.arch}`);
const binaries = join(root, 'build/Release');
const isPackage = existsSync(join(root, 'prebuilds'));

if (isPackage) installPackage();
else run('native.mjs') && run('build.mjs');

function installPackage() {
  const fits = existsSync(prebuilt);
  if (fits) copyPrebuilt();
  if (!fits || !works()) {
    console.error(`runsc: the prebuilt binaries do not fit this machine (${process.arch}): building`);
    rmSync(binaries, { recursive: true, force: true });
    if (!run('native.mjs')) return;
  }
  writeNodePath(join(root, 'dist'));
  writeCaches(root);
}

function copyPrebuilt() {
  mkdirSync(binaries, { recursive: true });
  for (const name of readdirSync(prebuilt)) {
    const target = name === 'syscalls.json' ? join(root, 'dist') : binaries;
    copyFileSync(join(prebuilt, name), join(target, name));
  }
}

/** The addon loads, and the launcher, which is static, runs: without a plan it says so and ends with 1. */
function works() {
  const addon = JSON.stringify(join(binaries, 'runsc_addon.node'));
  const loaded = spawnSync(process.execPath, ['-e', `require(${addon})`]);
  const started = spawnSync(join(binaries, 'launcher'), []);
  return loaded.status === 0 && started.status === 1;
}

function run(script) {
  const { status } = spawnSync(process.execPath, [join(root, 'runsc/build', script)], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = status ?? 1;
  return status === 0;
}
