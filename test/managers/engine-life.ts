// Containers from their start to their end, their logs, networks and volumes, in Docker and in Podman.

import { describe, expect, test } from 'vitest';

import { until } from './machine.ts';
import { imageName } from './images.ts';

import type { Engine } from './engine.ts';

const image = imageName('busybox');

export function describeLife(engine: Engine): void {
  describe('the life of a container', () => {
    test('created, then started and attached to', async () => {
      await engine.succeed(`create --name made ${image} sh -c 'echo ran; exit 4'`);
      expect(await engine.inspect('.State.Status', 'made')).toBe('created');
      expect(await engine.call('start -a made')).toMatchObject({ status: 4, stdout: 'ran\n' });
      await engine.succeed('rm made');
      await engine.nothingLeft();
    });

    test('attach and detach', async () => {
      await engine.succeed(
        `run -d -i -t --name attached ${image} sh -c 'read x; echo got $x; read x; exit 8'`,
      );
      const attach = 'attach --detach-keys ctrl-x attached';
      await engine.terminal(attach, [
        ['', 'word\n'],
        ['got word', '\x18'],
      ]);
      expect(await engine.inspect('.State.Status', 'attached')).toBe('running');
      await engine.terminal(attach, [['', 'word\n']]);
      await until(
        'it has ended',
        async () => (await engine.inspect('.State.Status', 'attached')) === 'exited',
      );
      expect(await engine.inspect('.State.ExitCode', 'attached')).toBe('8');
      await engine.succeed('rm attached');
      await engine.nothingLeft();
    });

    test('kill reaches a handler; logs has what it wrote, logs -f until its end', async () => {
      const script = 'trap "echo usr1; exit 6" USR1; echo ready; while :; do sleep 0.05; done';
      await engine.succeed(`run -d --name killed ${image} sh -c '${script}'`);
      const following = engine.call('logs -f killed');
      await until('it is ready', async () => (await engine.call('logs killed')).stdout === 'ready\n');
      await engine.succeed('kill -s USR1 killed');
      expect(await engine.succeed('wait killed')).toBe('6');
      expect((await engine.call('logs killed')).stdout).toBe('ready\nusr1\n');
      expect((await engine.call('logs --tail 1 killed')).stdout).toBe('usr1\n');
      expect((await following).stdout).toBe('ready\nusr1\n');
      await engine.succeed('rm killed');
      await engine.nothingLeft();
    });

    test('stop sends the signal that it was made with', async () => {
      const script = 'trap "exit 5" HUP; echo ready; while :; do sleep 0.05; done';
      await engine.succeed(`run -d --stop-signal HUP --name hup ${image} sh -c '${script}'`);
      await until('it is ready', async () => (await engine.call('logs hup')).stdout === 'ready\n');
      await engine.succeed('stop -t 20 hup');
      expect(await engine.inspect('.State.ExitCode', 'hup')).toBe('5');
      await engine.succeed('rm hup');
      await engine.nothingLeft();
    });

    test('a restart policy', async () => {
      await engine.succeed(`run -d --restart on-failure:2 --name retry ${image} sh -c 'echo run; exit 1'`);
      const runs = async (): Promise<string> => (await engine.call('logs retry')).stdout;
      await until('it has given up', async () => {
        return (
          (await runs()) === 'run\nrun\nrun\n' &&
          (await engine.inspect('.State.Status', 'retry')) === 'exited'
        );
      });
      expect(await engine.inspect('.State.ExitCode', 'retry')).toBe('1');
      await engine.remove('retry');
      await engine.nothingLeft();
    });

    test('a published port', async () => {
      await engine.succeed(`run -d --name web -p 8080:80 ${image} httpd -f -h /etc`);
      const get = ['busybox', 'wget', '-qO-', 'http://127.0.0.1:8080/passwd'];
      await until('it answers', async () => (await engine.machine.run(get)).stdout.includes('root:'));
      expect(await engine.succeed('port web')).toContain('80/tcp -> 0.0.0.0:8080');
      await engine.remove('web');
      await engine.nothingLeft();
    });

    test('a volume outlives its containers', async () => {
      await engine.succeed('volume create kept');
      await engine.succeed(`run --rm -v kept:/v ${image} sh -c 'echo kept >/v/file'`);
      expect(await engine.succeed(`run --rm -v kept:/v:ro ${image} cat /v/file`)).toBe('kept');
      await engine.succeed('volume rm kept');
      await engine.nothingLeft();
    });
  });
}
