// Docker: the commands that people type. dockerd starts its own containerd; the runtime is registered by
// `runsc install`, and is the one that containers and builds get by default.

import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { imageArchive, imageName } from './images.ts';
import { Machine, RUNTIME_PATH, until, type Output } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS } from '../support/rootfs.ts';
import { runsc } from '../support/sandbox.ts';

const image = imageName('busybox');

/** Docker's own: /usr/local/bin may have another client. */
const DOCKER = '/usr/bin/docker';

describe.skipIf(missing('docker.io', 'containerd', 'iptables', 'umoci', 'skopeo'))('docker', () => {
  let machine: Machine;

  beforeAll(async () => {
    const archive = imageArchive('busybox');
    machine = await Machine.make({ '/etc/docker/daemon.json': '{"default-runtime": "runsc"}' });
    const place = machine.path('/etc/docker/daemon.json');
    const flags = ['--config_file', place, '--path', RUNTIME_PATH, '--cgroupdriver', 'cgroupfs'];
    const installed = spawnSync(runsc, ['install', ...flags], { encoding: 'utf8' });
    expect(installed, 'runsc install').toMatchObject({ status: 0, stderr: '' });
    await machine.daemon(['dockerd'], `${DOCKER} version`);
    await machine.shell(`${DOCKER} load -i ${archive}`);
    await machine.shell(`${DOCKER} run --rm ${image} true`);
    // Names of network namespaces: Docker removes them every minute.
    machine.mark(/^file \/run\/docker\/netns\//);
  }, MAKING_MS);
  afterAll(() => machine?.close());

  const docker = (line: string, input = ''): Promise<Output> =>
    machine.run(['sh', '-c', `${DOCKER} ${line}`], input);
  const succeed = (line: string): Promise<string> => machine.shell(`${DOCKER} ${line}`);
  const inspect = (field: string, name: string): Promise<string> =>
    succeed(`inspect --format '{{${field}}}' ${name}`);
  async function nothingLeft(): Promise<void> {
    expect(await machine.leftovers()).toEqual([]);
  }

  test('run: output, input, and exit code', async () => {
    const result = await docker(`run --rm -i ${image} sh -c 'cat; echo err >&2; exit 7'`, 'hello\n');
    expect(result).toEqual({ status: 7, stdout: 'hello\n', stderr: 'err\n' });
    await nothingLeft();
  });

  test.each([
    ['/no/such', 127],
    ['no-such', 127],
    ['/etc/passwd', 126],
  ])('run of %s ends with %i', async (program, code) => {
    expect((await docker(`run --rm ${image} ${program}`)).status).toBe(code);
    await nothingLeft();
  });

  test('run -it: a terminal', async () => {
    const line = `${DOCKER} run --rm -it ${image} sh -c 'tty; until stty size 2>/dev/null | grep .; do sleep 0.05; done; read x; echo got $x; exit 3'`;
    const result = await machine.terminal(`stty rows 33 cols 99; ${line}`, [['33 99', 'word\n']]);
    expect(result.stdout).toBe('/dev/pts/0\n33 99\nword\ngot word\n');
    expect(result.status).toBe(3);
    await nothingLeft();
  });

  test('attach and detach', async () => {
    await succeed(`run -d -i -t --name attached ${image} sh -c 'read x; echo got $x; read x; exit 8'`);
    const attach = `${DOCKER} attach --detach-keys ctrl-x attached`;
    await machine.terminal(attach, [
      ['', 'word\n'],
      ['got word', '\x18'],
    ]);
    expect(await inspect('.State.Status', 'attached')).toBe('running');
    expect(await machine.terminal(attach, [['', 'word\n']])).toMatchObject({ status: 8 });
    await succeed('rm attached');
    await nothingLeft();
  });

  test('run with a user, a directory, variables, a name, and a bind', async () => {
    await machine.shell('mkdir -p /run/bind; echo outside >/run/bind/file');
    const flags =
      '--user 5:6 -w /tmp -e A=b --hostname box -v /run/bind:/data:ro --cap-drop ALL --tmpfs /t:size=1m';
    const script =
      'id -u; id -g; pwd; echo $A; hostname; cat /data/file; echo x >/data/file || echo refused; df -k /t | tail -1';
    const result = await docker(`run --rm ${flags} ${image} sh -c '${script}' 2>/dev/null`);
    expect(result.stdout).toMatch(/^5\n6\n\/tmp\nb\nbox\noutside\nrefused\ntmpfs +1024 .* \/t\n$/);
    await machine.shell('rm -r /run/bind');
    await nothingLeft();
  });

  test('run --init', async () => {
    const result = await docker(`run --rm --init ${image} sh -c 'readlink /proc/1/exe; exit 2'`);
    expect(result).toMatchObject({ status: 2, stdout: expect.stringMatching(/init$/m) as string });
    await nothingLeft();
  });

  test('run --read-only --security-opt no-new-privileges --cap-add', async () => {
    const flags =
      '--read-only --security-opt no-new-privileges --cap-drop ALL --cap-add CHOWN --ulimit nofile=100:100';
    const script =
      'grep -E "CapBnd|NoNewPrivs" /proc/self/status; touch /x 2>/dev/null || echo refused; ulimit -n';
    expect((await docker(`run --rm ${flags} ${image} sh -c '${script}'`)).stdout).toMatch(
      /^CapBnd:\t0{15}1\nNoNewPrivs:\t1\nrefused\n100\n$/,
    );
    await nothingLeft();
  });

  describe('of a running container', () => {
    beforeAll(async () => {
      await succeed(`run -d --name box ${image} sleep 1000`);
    });
    afterAll(async () => {
      await succeed('rm -f box');
      await nothingLeft();
    });

    test('exec: output, input, and exit code', async () => {
      const result = await docker(`exec -i box sh -c 'cat; pwd; exit 9'`, 'in\n');
      expect(result).toEqual({ status: 9, stdout: 'in\n/\n', stderr: '' });
    });

    test('exec -it: a terminal of its own', async () => {
      const line = `${DOCKER} exec -it box sh -c 'tty; read x; echo got $x; exit 4'`;
      const result = await machine.terminal(line, [['/dev/pts', 'word\n']]);
      expect(result.stdout).toMatch(/^\/dev\/pts\/\d+\nword\ngot word\n$/);
      expect(result.status).toBe(4);
    });

    test.each([
      ['/no/such', 126], // Docker's choice: `run` has 127.
      ['/etc/passwd', 126],
    ])('exec of %s ends with %i', async (program, code) => {
      expect((await docker(`exec box ${program}`)).status).toBe(code);
    });

    test('exec with a user, a directory, and variables', async () => {
      expect(await succeed(`exec -u 5:6 -w /tmp -e A=b box sh -c 'id -u; id -g; pwd; echo $A'`)).toBe(
        '5\n6\n/tmp\nb',
      );
    });

    test('top names its process', async () => {
      const pids = (await succeed('top box -o pid')).split('\n').slice(1);
      expect(pids.map((pid) => pid.trim())).toContain(await inspect('.State.Pid', 'box'));
    });

    test('stats', async () => {
      const stats = JSON.parse(await succeed(`stats --no-stream --format '{{json .}}' box`)) as Record<
        string,
        string
      >;
      expect(Number(stats['PIDs'])).toBeGreaterThan(0);
      expect(stats['MemUsage']).not.toMatch(/^0B/);
      expect(stats['NetIO']).not.toMatch(/^--/);
    });

    test('pause and unpause', async () => {
      await succeed('pause box');
      expect(await inspect('.State.Status', 'box')).toBe('paused');
      expect((await docker('exec box true')).status).not.toBe(0);
      await succeed('unpause box');
      expect(await succeed('exec box echo alive')).toBe('alive');
    });

    test('update', async () => {
      await succeed('update --memory 64m --memory-swap 64m --cpus 0.5 --pids-limit 77 box');
      const pid = await inspect('.State.Pid', 'box');
      const path = await machine.shell(`sed -n 's/^[0-9]*:memory:\\|^0:://p' /proc/${pid}/cgroup | head -1`);
      const limit = `cat /sys/fs/cgroup/memory${path}/memory.limit_in_bytes || cat /sys/fs/cgroup${path}/memory.max`;
      expect(await machine.shell(limit)).toBe('67108864');
      const many = 'for i in $(seq 100); do sleep 3 & done';
      expect((await docker(`exec box sh -c '${many}'`)).stderr).toContain("can't fork");
    });

    test('cp, both ways', async () => {
      await machine.shell(
        `echo here >/run/sent; ${DOCKER} cp /run/sent box:/sent; ${DOCKER} cp box:/sent /run/back`,
      );
      expect(await machine.shell(`${DOCKER} exec box cat /sent; cat /run/back; rm /run/sent /run/back`)).toBe(
        'here\nhere',
      );
    });

    test('diff and commit', async () => {
      await succeed('exec box touch /committed');
      expect(await succeed('diff box')).toContain('A /committed');
      await succeed('commit box committed:1');
      expect(await succeed('run --rm committed:1 ls /committed')).toBe('/committed');
      await succeed('rmi committed:1');
    });

    test('restart gives a new process with the old files', async () => {
      await succeed('exec box touch /kept');
      await succeed('restart -t 0 box');
      expect(await succeed('exec box ls /kept')).toBe('/kept');
    });

    test('stop and start', async () => {
      await succeed('stop -t 0 box');
      expect(await inspect('.State.Status', 'box')).toBe('exited');
      expect(await inspect('.State.ExitCode', 'box')).toBe('137');
      await succeed('start box');
      expect(await succeed('exec box echo alive')).toBe('alive');
    });
  });

  test('kill reaches a handler, and the log has what it wrote', async () => {
    const script = 'trap "echo usr1; exit 6" USR1; echo ready; while :; do sleep 0.05; done';
    await succeed(`run -d --name killed ${image} sh -c '${script}'`);
    await until('it is ready', async () => (await docker('logs killed')).stdout === 'ready\n');
    await succeed('kill -s USR1 killed');
    expect(await succeed('wait killed')).toBe('6');
    expect((await docker('logs killed')).stdout).toBe('ready\nusr1\n');
    await succeed('rm killed');
    await nothingLeft();
  });

  test('a restart policy', async () => {
    await succeed(`run -d --restart on-failure:2 --name retry ${image} sh -c 'echo run; exit 1'`);
    await until('it has given up', async () => (await inspect('.State.Status', 'retry')) === 'exited');
    expect(await inspect('.RestartCount', 'retry')).toBe('2');
    expect((await docker('logs retry')).stdout).toBe('run\nrun\nrun\n');
    await succeed('rm retry');
    await nothingLeft();
  });

  test('a container that exceeds its memory is ended, and Docker knows why', async () => {
    const script = 'head -c 200000000 /dev/zero | tail -c 150000000 >/dev/null';
    const flags = '-m 32m --memory-swap 32m --name oom';
    await docker(`run ${flags} ${image} sh -c '${script}; exit 1'`);
    expect(await inspect('.State.OOMKilled', 'oom')).toBe('true');
    await succeed('rm oom');
    await nothingLeft();
  });

  test('a published port', async () => {
    await succeed(`run -d --name web -p 8080:80 ${image} httpd -f -h /etc`);
    const get = ['busybox', 'wget', '-qO-', 'http://127.0.0.1:8080/passwd'];
    await until('it answers', async () => (await machine.run(get)).stdout.includes('root:'));
    await succeed('rm -f web');
    await nothingLeft();
  });

  test('a network of its own, with names', async () => {
    await succeed('network create own');
    await succeed(`run -d --name server --network own ${image} httpd -f -h /etc`);
    const get = `run --rm --network own ${image} wget -qO- http://server/passwd`;
    await until('it answers', async () => (await docker(get)).stdout.includes('root:'));
    await succeed('rm -f server');
    await succeed('network rm own');
    await nothingLeft();
  });

  test('a volume outlives its containers', async () => {
    await succeed('volume create kept');
    await succeed(`run --rm -v kept:/v ${image} sh -c 'echo kept >/v/file'`);
    expect(await succeed(`run --rm -v kept:/v ${image} cat /v/file`)).toBe('kept');
    await succeed('volume rm kept');
    await nothingLeft();
  });

  test('build, in two stages', async () => {
    const dockerfile = `FROM ${image} AS build
ARG WORD
RUN mkdir /out && echo "built $WORD" >/out/file && id -u >>/out/file
FROM ${image}
COPY --from=build /out/file /file
RUN cat /file && ln -s file /link
USER 5
CMD ["sh", "-c", "cat /link; id -u"]
`;
    machine.write('/run/context/Dockerfile', dockerfile);
    await machine.shell(`DOCKER_BUILDKIT=0 ${DOCKER} build --build-arg WORD=well -t built:1 /run/context`);
    expect(await succeed('run --rm built:1')).toBe('built well\n0\n5');
    const failing = 'RUN echo before && exit 5\n';
    machine.write('/run/context/Dockerfile', `FROM ${image}\n${failing}`);
    const failed = await machine.run(['sh', '-c', `DOCKER_BUILDKIT=0 ${DOCKER} build /run/context`]);
    expect(failed.stderr).toContain('returned a non-zero code: 5');
    await succeed('rmi built:1');
    await machine.shell('rm -r /run/context');
    await succeed('system prune -f');
    await nothingLeft();
  });

  test('ten at once', async () => {
    const words = Array.from({ length: 10 }, (_, index) => `word-${index}`);
    const results = await Promise.all(words.map((word) => docker(`run --rm ${image} echo ${word}`)));
    expect(results.map((result) => result.stdout)).toEqual(words.map((word) => `${word}\n`));
    await nothingLeft();
  });
});
