/** Cgroups that somebody has made in a container's own, on this machine's hierarchies and where only version 2 is. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAKING_MS, rootfs } from '../support/rootfs.ts';
import { canRun, runsc, writeBundle } from '../support/sandbox.ts';

/** In a mount namespace of its own: a host that has nothing but version 2. */
const ONLY_V2 = 'umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup || exit 99';
const hasV1 = existsSync('/sys/fs/cgroup/pids/cgroup.procs');
const v2Works = canRun && spawnSync('unshare', ['-m', 'bash', '-c', ONLY_V2]).status === 0;

describe.skipIf(!canRun)('cgroups below a container’s', () => {
  let directory: string;
  beforeAll(() => {
    rootfs('busybox');
    directory = mkdtempSync(join(tmpdir(), 'runsc-sub-'));
  }, MAKING_MS);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** What a script says of both runtimes' containers: `$R` is the runtime, `$ID` the container, `$TOP` its cgroup. */
  function same(setup: string, controller: string, root: string, script: string): string {
    const outputs = ['runc', runsc].map((program, index) => {
      const id = `runsc-sub-${process.pid}-${index}`;
      const bundle = mkdtempSync(join(directory, 'b-'));
      const spec = writeBundle(bundle, { rootfs: rootfs('busybox'), args: ['sleep', '1000'] });
      const config = { ...spec, linux: { ...spec.linux, resources: {}, cgroupsPath: `/${id}` } };
      execFileSync('tee', [join(bundle, 'config.json')], {
        input: JSON.stringify(config),
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      const lines = `
        ${setup}
        R="$1 --root $2" ID=${id} TOP=${root}/${id} BUNDLE=${bundle}
        trap '$R delete -f $ID; rmdir $TOP/* $TOP' EXIT
        $R run -d --bundle ${bundle} --pid-file ${bundle}/pid $ID </dev/null >/dev/null 2>&1; echo run $?
        mkdir -p $TOP/one/two
        in_one() { $R exec --cgroup ${controller}$1 "\${@:2}"; }
        group() { sed -n 's/^[0-9]*:${controller.replace(':', '')}://p' /proc/$1/cgroup; }
        ${script}`;
      const { stdout, stderr } = spawnSync(
        'unshare',
        ['-m', 'bash', '-c', lines, 'bash', program, join(bundle, 'state')],
        {
          encoding: 'utf8',
          timeout: 60_000,
        },
      );
      return (stdout + stderr.replace(/^rmdir: .*\n/gm, ''))
        .replaceAll(id, 'ID')
        .replaceAll(/time="[^"]*"/g, '');
    });
    expect(outputs[1]).toBe(outputs[0]);
    return outputs[1]!;
  }

  const SCRIPT = `
    group $(cat $BUNDLE/pid)
    in_one one -d --pid-file $BUNDLE/pid2 $ID sleep 1000; echo exec $?
    group $(cat $BUNDLE/pid2)
    in_one one/two $ID true; echo in two $?
    in_one ../x $ID true; echo outside $?
    $R ps $ID | wc -l
    $R ps --format json $ID | tr , '\\n' | wc -l
    $R pause $ID; $R state $ID | grep '"status"'; $R resume $ID; echo resumed $?
    $R kill $ID KILL
    until $R state $ID | grep -q stopped; do sleep 0.01; done
    $R delete $ID; echo delete $?
    ls -d $TOP 2>/dev/null`;
  test.skipIf(!hasV1)('of one hierarchy among many', { timeout: 120_000 }, () => {
    const said = same('', 'pids:', '/sys/fs/cgroup/pids', SCRIPT);
    expect(said).toContain('/ID/one\n');
    expect(said).toContain('delete 0\n');
  });

  test.skipIf(!v2Works)('where there is only version 2', { timeout: 120_000 }, () => {
    const said = same(ONLY_V2, '', '/sys/fs/cgroup', SCRIPT);
    expect(said).toContain('delete 0\n');
    expect(said).toContain('/ID/one\n');
  });
});
