// Runs a command in a container with some property of config.json changed, under runc and under runsc, and compares.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

import { rootfs } from '../support/rootfs.ts';
import { execute, leftoversOf, runsc, writeBundle } from '../support/sandbox.ts';

import type { Mount, Process, Spec } from '../../runsc/spec/spec.ts';

/** What differs from an ordinary container. */
export interface Change {
  /** Run by /bin/sh; its output is what counts. */
  readonly script: string;
  readonly process?: Partial<Process>;
  /** Mounted after the ordinary ones. */
  readonly mounts?: readonly Mount[];
  readonly linux?: Record<string, unknown>;
  /** Other properties, or all of `root`. */
  readonly spec?: Record<string, unknown>;
  /** Prepares the bundle directory, which `DIR` in mount sources stands for. */
  readonly prepare?: (bundle: string) => void;
  /** Takes back what `prepare` has done outside of files. */
  readonly finish?: (bundle: string) => void;
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let count = 0;

/** With the tools of the tests at /probe: see probe.c. */
export class ConfigFixture {
  readonly directory = mkdtempSync(join(tmpdir(), 'runsc-config-'));
  readonly #probe = join(this.directory, 'probe');

  constructor() {
    rootfs('busybox');
    execFileSync('gcc', [
      '-static',
      '-O1',
      '-Wall',
      '-Werror',
      '-o',
      this.#probe,
      join(import.meta.dirname, 'probe.c'),
    ]);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Both runtimes must say the same; returns that. */
  async same(change: Change): Promise<Ran> {
    const [theirs, ours] = await Promise.all([this.run('runc', change), this.run(runsc, change)]);
    expect(ours).toEqual(theirs);
    return ours;
  }

  ours(change: Change): Promise<Ran> {
    return this.run(runsc, change);
  }

  async run(program: string, change: Change): Promise<Ran> {
    const id = `runsc-test-${process.pid}-config-${count++}`;
    const bundle = join(this.directory, id);
    const root = join(this.directory, `${id}-root`);
    mkdirSync(bundle);
    // Its own, since mount points are made in it.
    execFileSync('cp', ['-a', rootfs('busybox'), join(bundle, 'rootfs')]);
    change.prepare?.(bundle);
    this.#write(bundle, change);
    const flags = program === runsc ? ['--network', 'none'] : [];
    let called;
    try {
      called = await execute(program, ['--root', root, ...flags, 'run', '--bundle', bundle, id]);
    } finally {
      change.finish?.(bundle);
    }
    expect(called.timedOut).toBe(false);
    expect(await leftoversOf(id, root), program).toEqual([]);
    rmSync(bundle, { recursive: true });
    const neutral = (text: string): string => text.replaceAll(bundle, 'DIR').replaceAll(id, 'ID');
    return { status: called.status, stdout: neutral(called.stdout), stderr: neutral(called.stderr) };
  }

  #write(bundle: string, change: Change): void {
    const spec = writeBundle(bundle, { rootfs: 'rootfs', args: ['sh', '-c', change.script] });
    const probe = {
      destination: '/probe',
      type: 'bind',
      source: this.#probe,
      options: ['bind', 'ro'],
    };
    const mounts = (change.mounts ?? []).map(({ source, ...mount }) => ({
      ...mount,
      ...(source === undefined ? {} : { source: source.replace('DIR', bundle) }),
    }));
    const changed: Spec = {
      ...spec,
      process: { ...spec.process!, ...change.process },
      mounts: [...spec.mounts!, probe, ...mounts],
      linux: { ...spec.linux, ...change.linux },
      ...change.spec,
    };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(changed));
  }
}
