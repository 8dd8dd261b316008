// Docker: the commands that people type.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { docker as dockerEngine, DOCKER_PACKAGES, SOCKETS_RUNTIME, startDocker } from './docker.ts';
import { describeContainer } from './engine-container.ts';
import { describeLife } from './engine-life.ts';
import { describeRun } from './engine-run.ts';
import { imageName } from './images.ts';
import { oracle, until } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const image = imageName('busybox');

describe.skipIf(missing(...DOCKER_PACKAGES))('docker', () => {
  const docker = dockerEngine();

  beforeAll(() => startDocker(docker, ['busybox']), MAKING_MS);
  afterAll(() => docker.close());

  describeRun(docker);
  // A missing program is another code than that of `run`: Docker's choice.
  describeContainer(docker, { execFailures: [126, 126], cgroups: true, copies: true });
  describeLife(docker);

  test('top names the first process, what it has forked, and what is added', async () => {
    await docker.succeed(`run -d --name box ${image} sh -c 'sleep 1001 & wait'`);
    const pids = (await docker.succeed('top box -o pid')).split('\n').slice(1);
    expect(pids.map((pid) => pid.trim())).toContain(await docker.inspect('.State.Pid', 'box'));
    await docker.succeed(`exec -d box sleep 1002`);
    await until('all are there', async () => {
      const lines = (await docker.succeed('top box')).trim().split('\n').slice(1);
      const commands = ['sh -c sleep 1001 & wait', 'sleep 1001', 'sleep 1002'];
      return lines.length === 3 && commands.every((command) => lines.some((line) => line.endsWith(command)));
    });
    await docker.remove('box');
    await docker.nothingLeft();
  });

  test('a limit of processes, changed while it runs', async () => {
    await docker.succeed(`run -d --name box --pids-limit 1000 ${image} sleep 1000`);
    await docker.succeed('update --pids-limit 77 box');
    const many = 'for i in $(seq 100); do sleep 1000 >/dev/null 2>&1 & done';
    expect((await docker.call(`exec box sh -c '${many}'`)).stderr).toContain("can't fork");
    await docker.remove('box');
    await docker.nothingLeft();
  });

  test('a container that exceeds its memory is ended, and Docker knows why', async () => {
    const script = 'head -c 200000000 /dev/zero | tail -c 150000000 >/dev/null';
    const flags = '-m 32m --memory-swap 32m --name oom';
    // Docker hears of it from the cgroup, and of the end from the process: the end has to come later.
    await docker.call(`run ${flags} ${image} sh -c '${script}; sleep 5; exit 1'`);
    expect(await docker.inspect('.State.OOMKilled', 'oom')).toBe('true');
    await docker.remove('oom');
    await docker.nothingLeft();
  });

  test('a health check', async () => {
    const flags = `--health-cmd 'test -e /healthy' --health-interval 200ms --health-retries 1`;
    await docker.succeed(`run -d --name health ${flags} ${image} sleep 1000`);
    const health = (): Promise<string> => docker.inspect('.State.Health.Status', 'health');
    await until('it is unhealthy', async () => (await health()) === 'unhealthy');
    await docker.succeed('exec health touch /healthy');
    await until('it is healthy', async () => (await health()) === 'healthy');
    await docker.remove('health');
    await docker.nothingLeft();
  });

  test('events tell of each step', async () => {
    const since = await docker.machine.shell('date +%s');
    await docker.call(`run --rm --name told ${image} sh -c 'exit 3'`);
    const format = '{{.Action}} {{.Actor.Attributes.exitCode}}';
    const events = `events --since ${since} --until $(($(date +%s) + 1)) --filter container=told --format '${format}'`;
    const lines = (await docker.succeed(events)).replaceAll(' <no value>', '').split('\n');
    expect(lines).toEqual(['create', 'attach', 'start', 'die 3', 'destroy']);
  });

  test('a network of its own, with names', async () => {
    await docker.succeed('network create own');
    await docker.succeed(
      `run -d --name server --network own --network-alias alias ${image} httpd -f -h /etc`,
    );
    for (const name of ['server', 'alias']) {
      const get = `run --rm --network own ${image} wget -qO- http://${name}/passwd`;
      await until('it answers', async () => (await docker.call(get)).stdout.includes('root:'));
    }
    await docker.remove('server');
    await docker.succeed('network rm own');
    await docker.nothingLeft();
  });

  test('a network that is connected while the container runs', async () => {
    await docker.succeed('network create --subnet 10.77.0.0/24 later');
    await docker.succeed(`run -d --name moved ${image} sleep 1000`);
    const addresses = 'exec moved ip -o -4 addr';
    expect(await docker.succeed(addresses)).not.toContain('10.77.0.');
    await docker.succeed('network connect later moved');
    expect(await docker.succeed(addresses)).toContain('10.77.0.');
    await docker.succeed('network disconnect later moved');
    expect(await docker.succeed(addresses)).not.toContain('10.77.0.');
    await docker.remove('moved');
    await docker.succeed('network rm later');
    await docker.nothingLeft();
  });

  test('Docker’s own socket in a container: its client makes containers there', async () => {
    const client = ['/usr', '/lib', '/lib64'].map((path) => `-v ${path}:${path}:ro`).join(' ');
    const socket = '-v /var/run/docker.sock:/var/run/docker.sock';
    const run = (runtime: string, script: string): string =>
      `run --rm --name outer --runtime ${runtime} ${client} ${socket} ${image} sh -c '${script}'`;
    const nested = `/usr/bin/docker ps --format {{.Names}}; echo word | /usr/bin/docker run -i --rm ${image} sh -c "cat; exit 7"; echo $?`;
    expect(await docker.succeed(run(SOCKETS_RUNTIME, nested))).toBe('outer\nword\n7');
    if (!oracle) {
      const refused = await docker.call(run('runsc', '/usr/bin/docker ps'));
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/connection refused|Is the docker daemon running/);
    }
    await docker.nothingLeft();
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
    const build = (flags: string): string => `DOCKER_BUILDKIT=0 /usr/bin/docker build ${flags} /run/context`;
    docker.machine.write('/run/context/Dockerfile', dockerfile);
    await docker.machine.shell(build('--build-arg WORD=well -t built:1'));
    expect(await docker.succeed('run --rm built:1')).toBe('built well\n0\n5');
    docker.machine.write('/run/context/Dockerfile', `FROM ${image}\nRUN echo before && exit 5\n`);
    const failed = await docker.machine.run(['sh', '-c', build('')]);
    expect(failed.stderr).toContain('returned a non-zero code: 5');
    await docker.succeed('rmi built:1');
    await docker.machine.shell('rm -r /run/context');
    await docker.succeed('container prune -f');
    await docker.succeed('image prune -f');
    await docker.nothingLeft();
  });
});
