// Binds of trees in which the host has mounted something, before the container starts or while it runs, against runc.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { MAKING_MS } from '../support/rootfs.ts';
import { canRun, runsc } from '../support/sandbox.ts';
import { ConfigFixture, type Change } from './config-fixture.ts';

const MOUNTINFO = `awk '$5 ~ "^/mnt/" { rest=""; for (i=7; i<=NF && $i != "-"; i++) rest=rest" "$i; print $5, $6, rest }' /proc/self/mountinfo | sed -E 's/(shared|master):[0-9]+/\\1:N/g'`;

const mount = (...args: string[]): Buffer => execFileSync('mount', args);

/** A mount with one mount in it, which has another, read-only. */
function prepare(bundle: string, propagation: string): void {
  const tree = join(bundle, 'tree');
  mkdirSync(tree);
  mount('-t', 'tmpfs', 'top', tree);
  mount(`--make-${propagation}`, tree);
  mkdirSync(join(tree, 'sub'));
  writeFileSync(join(tree, 'sub/hidden'), 'hidden\n');
  mount('-t', 'tmpfs', 'in', join(tree, 'sub'));
  writeFileSync(join(tree, 'sub/inner'), 'inner\n');
  mkdirSync(join(tree, 'sub/deep'));
  mount('-t', 'tmpfs', '-o', 'ro,nosuid,noexec', 'deep', join(tree, 'sub/deep'));
}

function finish(bundle: string): void {
  execFileSync('umount', ['-R', join(bundle, 'tree')]);
}

async function unmounted(path: string): Promise<void> {
  for (const since = Date.now(); ; await sleep(20)) {
    const { status, stderr } = spawnSync('umount', [path], { encoding: 'utf8' });
    if (status === 0) return;
    if (Date.now() - since > 30_000) throw new Error(stderr);
  }
}

const bind = (options: string[]): Pick<Change, 'mounts'> => ({
  mounts: [{ destination: '/mnt/x', type: 'bind', source: 'DIR/tree', options }],
});

describe.skipIf(!canRun)('binds of what the host mounts', { timeout: 600_000 }, () => {
  let fixture: ConfigFixture;
  beforeAll(() => {
    fixture = new ConfigFixture();
  }, MAKING_MS);
  afterAll(() => fixture.remove());

  test.each([
    'bind',
    'bind,ro',
    'rbind',
    'rbind,ro',
    'rbind,rro',
    'rbind,nosuid,noexec',
    'rbind,rnoexec,rnodev',
    'rbind,private',
    'rbind,rprivate',
    'rbind,rslave,ro',
    'rbind,rshared',
    'rbind,runbindable',
  ])('what is mounted there before: %s', async (options) => {
    const script = `${MOUNTINFO}; cd /mnt/x; find . | sort; touch here; touch sub/in; touch sub/deep/d
      stat -c %d . sub sub/deep | uniq | wc -l; mv here sub/ ; cat sub/inner; umount /mnt/x/sub; ls sub`;
    for (const propagation of ['private', 'shared']) {
      await fixture.same({
        script,
        prepare: (bundle) => prepare(bundle, propagation),
        finish,
        ...bind(options.split(',')),
      });
    }
  });

  /** What a container sees while the host mounts something and takes away something else. */
  async function watched(
    program: string,
    options: string[],
    linux: Record<string, unknown>,
  ): Promise<string> {
    let tree = '';
    const running = fixture.run(program, {
      script: `touch /mnt/x/ready; until test -e /mnt/x/mounted; do sleep 0.02; done
        cat /mnt/x/later/file; echo more >/mnt/x/later/made; cat /mnt/x/sub/inner; touch /mnt/x/used
        while test -e /mnt/x/mounted; do sleep 0.02; done
        ls /mnt/x/later /mnt/x/sub; echo new >/mnt/x/sub/new; ls /mnt/x/sub; grep -c /mnt/x/sub /proc/self/mountinfo`,
      prepare: (bundle) => {
        prepare(bundle, 'shared');
        tree = join(bundle, 'tree');
        mkdirSync(join(tree, 'later'));
      },
      finish,
      linux,
      ...bind(options),
    });
    const until = async (name: string): Promise<void> => {
      for (let tries = 0; tries < 3000 && !existsSync(join(tree, name)); tries++) await sleep(20);
    };
    await until('ready');
    mount('-t', 'tmpfs', 'later', join(tree, 'later'));
    writeFileSync(join(tree, 'later/file'), 'mounted later\n');
    writeFileSync(join(tree, 'mounted'), '');
    await until('used');
    // What nobody uses any more is not busy, after a moment.
    await unmounted(join(tree, 'later'));
    await unmounted(join(tree, 'sub/deep'));
    await unmounted(join(tree, 'sub'));
    rmSync(join(tree, 'mounted'));
    const { stdout, stderr, status } = await running;
    return `${status}\n${stdout}${stderr}`;
  }

  test.each<[string[], Record<string, unknown>]>([
    [['rbind', 'rslave'], {}],
    [['bind', 'slave'], {}],
    [['rbind'], {}],
    [['rbind', 'rprivate'], {}],
    [['rbind'], { rootfsPropagation: 'rslave' }],
    [['rbind'], { rootfsPropagation: 'rprivate' }],
  ])('what is mounted and unmounted there while the container runs: %j %j', async (options, linux) => {
    const theirs = await watched('runc', options, linux);
    expect(await watched(runsc, options, linux)).toBe(theirs);
    if (options.includes('rslave')) expect(theirs).toContain('mounted later');
  });
});
