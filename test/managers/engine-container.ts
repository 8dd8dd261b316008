// What is done to a running container, in Docker and in Podman.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { until } from './machine.ts';
import { imageName } from './images.ts';

import type { Engine } from './engine.ts';

const image = imageName('busybox');

export interface Abilities {
  /** Of `exec` with a program that is not there, and one that can't be executed. */
  readonly execFailures: readonly [missing: number, denied: number];
  /** Whether the user has cgroups: without there is nothing to pause, limit, or measure with. */
  readonly cgroups: boolean;
  /** Whether files can be copied while the container runs. */
  readonly copies: boolean;
}

export function describeContainer(engine: Engine, { execFailures, cgroups, copies }: Abilities): void {
  const exec = (script: string): Promise<string> => engine.succeed(`exec c1 sh -c '${script}'`);

  describe('of a running container', () => {
    beforeAll(async () => {
      await engine.succeed('volume create vol');
      await engine.succeed(`run -d --name c1 -v vol:/v --tmpfs /t ${image} sleep 1000`);
    });
    afterAll(async () => {
      await engine.remove('c1');
      await engine.succeed('volume rm vol');
      await engine.nothingLeft();
    });

    test('exec: output, input, and exit code', async () => {
      const result = await engine.call(`exec -i c1 sh -c 'cat; pwd; exit 9'`, 'in\n');
      expect(result).toEqual({ status: 9, stdout: 'in\n/\n', stderr: '' });
    });

    test('exec -it: a terminal of its own, as large as the caller’s', async () => {
      const size = 'until stty size 2>/dev/null | grep 33; do sleep 0.05; done';
      const line = `exec -it c1 sh -c 'tty; ${size}; read x; echo got $x; exit 4'`;
      const result = await engine.terminal(line, [['33 99\r', 'word\n']]);
      expect(result.stdout).toMatch(/^\/dev\/pts\/\d+\n33 99\nword\ngot word\n$/);
      expect(result.status).toBe(4);
    });

    test('exec of what can not be executed', async () => {
      expect((await engine.call('exec c1 /no/such')).status).toBe(execFailures[0]);
      expect((await engine.call('exec c1 /etc/passwd')).status).toBe(execFailures[1]);
    });

    test('exec -d', async () => {
      await engine.succeed('exec -d c1 sh -c "echo there >/tmp/file; sleep 1000"');
      await until('it has run', async () => {
        return (await engine.call('exec c1 cat /tmp/file')).stdout === 'there\n';
      });
    });

    test('exec with a user, a directory, and variables', async () => {
      expect(await engine.succeed(`exec -u 5:6 -w /tmp -e A=b c1 sh -c 'id -u; id -g; pwd; echo $A'`)).toBe(
        '5\n6\n/tmp\nb',
      );
    });

    test.runIf(cgroups)('stats', async () => {
      const text = await engine.succeed(`stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' c1`);
      expect(text).toMatch(/^[1-9]\d* [\d.]+[kKM]i?B/);
    });

    test.runIf(cgroups)('pause and unpause', async () => {
      await engine.succeed('pause c1');
      expect(await engine.inspect('.State.Status', 'c1')).toBe('paused');
      expect((await engine.call('exec c1 true')).status).not.toBe(0);
      await engine.succeed('unpause c1');
      expect(await exec('echo alive')).toBe('alive');
    });

    test.runIf(cgroups)('update', async () => {
      await engine.succeed('update --memory 64m --memory-swap 64m --cpus 0.5 c1');
      const pid = await engine.inspect('.State.Pid', 'c1');
      const path = await engine.machine.shell(
        `sed -n 's/^[0-9]*:memory:\\|^0:://p' /proc/${pid}/cgroup | head -1`,
      );
      const limit = `cat /sys/fs/cgroup/memory${path}/memory.limit_in_bytes || cat /sys/fs/cgroup${path}/memory.max`;
      expect(await engine.machine.shell(limit)).toBe('67108864');
    });

    test.runIf(copies)(
      'cp, both ways, files and directories, into the container and its volume',
      async () => {
        await engine.machine.shell(
          'mkdir -p /run/sent/deep; echo here >/run/sent/deep/file; chmod 777 /run/sent',
        );
        for (const place of ['/tmp', '/v']) {
          await engine.succeed(`cp /run/sent c1:${place}/sent`);
          expect(await exec(`cat ${place}/sent/deep/file; echo back >${place}/sent/deep/back`)).toBe('here');
          await engine.succeed(`cp c1:${place}/sent/deep/back /run/sent/back`);
          expect(await engine.machine.shell('cat /run/sent/back; rm /run/sent/back')).toBe('back');
        }
        await exec('ln -s /v/sent/deep /link');
        await engine.succeed('cp c1:/link/file - | tar -tf - >/dev/null');
        await engine.machine.shell('rm -r /run/sent');
      },
    );

    test('commit and diff', async () => {
      await exec('touch /committed');
      expect(await engine.succeed('diff c1')).toContain('A /committed');
      await engine.succeed('commit c1 committed:1');
      expect(await engine.succeed('run --rm committed:1 ls /committed')).toBe('/committed');
      await engine.succeed('rmi committed:1');
    });

    test('export', async () => {
      await exec('touch /exported');
      await engine.machine.shell('mkdir -m 777 /run/files');
      await engine.succeed('export -o /run/files/tar c1');
      const names = await engine.machine.shell('tar -tf /run/files/tar; rm -r /run/files');
      expect(names.split('\n')).toContain('exported');
    });

    test('rename', async () => {
      await engine.succeed('rename c1 c2');
      expect(await engine.succeed('exec c2 echo alive')).toBe('alive');
      await engine.succeed('rename c2 c1');
    });

    test('restart gives a new process with the old files', async () => {
      await exec('touch /kept; echo kept >/v/kept');
      await engine.succeed('restart -t 0 c1');
      expect(await exec('ls /kept; cat /v/kept')).toBe('/kept\nkept');
    });

    test('stop and start', async () => {
      await engine.succeed('stop -t 0 c1');
      expect(await engine.inspect('.State.Status', 'c1')).toBe('exited');
      expect(await engine.inspect('.State.ExitCode', 'c1')).toBe('137');
      await engine.succeed('start c1');
      expect(await exec('echo alive')).toBe('alive');
    });
  });
}
