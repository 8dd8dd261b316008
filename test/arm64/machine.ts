// An arm64 machine for the tests, and what they need to build for it.
//
// RUNSC_ARM64_MACHINE is a program called as `PROGRAM DIRECTORY -- COMMAND [ARG...]`: it runs COMMAND as root on an
// arm64 Linux with node 20 in the PATH, where DIRECTORY is shared at the same path, and exits with its status. An
// emulator's wrapper or one around ssh will do.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Program } from '../guest/programs.ts';

const root = resolve(import.meta.dirname, '../..');
const machine = process.env['RUNSC_ARM64_MACHINE'];
const prefix = process.env['RUNSC_CROSS'] ?? 'aarch64-linux-gnu-';

/** Why the tests cannot run here, or null. */
export function missing(): string | null {
  if (machine === undefined || machine === '') return 'RUNSC_ARM64_MACHINE is not set';
  for (const compiler of ['gcc', 'g++']) {
    const { status } = spawnSync(`${prefix}${compiler}`, ['--version'], { stdio: 'ignore' });
    if (status !== 0) return `there is no ${prefix}${compiler}`;
  }
  return null;
}

/** The tree that `runsc` runs from, built for arm64 into `directory`. */
export function crossBuild(directory: string): void {
  const script = join(root, 'runsc/build/cross.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, directory], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`cross.mjs failed: ${stderr}`);
}

/** Builds guest programs into `directory/family/name`; those that are for another processor are left out. */
export function crossCompile(programs: readonly Program[], directory: string): Program[] {
  return programs.filter(({ family, name, source, flags }) => {
    mkdirSync(join(directory, family), { recursive: true });
    const output = join(directory, family, name);
    const words = ['-O1', '-g', '-w', '-o', output, source, ...flags, '-lm', '-lrt'];
    const { status, stderr } = spawnSync(`${prefix}gcc`, words, { encoding: 'utf8' });
    if (status !== 0) console.log(`not for arm64: ${family}/${name}: ${stderr.split('\n')[0]}`);
    return status === 0;
  });
}

/** Runs a command on the machine, with `directory` shared; its output comes to ours. */
export async function onMachine(directory: string, command: readonly string[]): Promise<number | null> {
  const child = spawn(machine!, [directory, '--', ...command], { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((done, fail) => child.on('close', done).on('error', fail));
}
