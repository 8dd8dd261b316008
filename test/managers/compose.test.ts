// Docker Compose: services that find each other by name, keep data, are scaled, restarted, and taken down.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { docker as dockerEngine, DOCKER_PACKAGES, startDocker } from './docker.ts';
import { imageName } from './images.ts';
import { until } from './machine.ts';
import { missing } from './packages.ts';
import { MAKING_MS } from '../support/rootfs.ts';

const services = imageName('services');

const project = `version: "2.4"
services:
  web:
    build: { context: ., args: { WORD: welcome } }
    image: web:1
    ports: ["8080:80"]
    networks: [front, back]
    depends_on: { redis: { condition: service_healthy } }
    environment: { REDIS: redis }
    stop_signal: QUIT
  redis:
    image: ${services}
    command: redis-server --bind 0.0.0.0 --protected-mode no --dir /data --appendonly yes
    networks: { back: { aliases: [store] } }
    volumes: ["data:/data"]
    restart: always
    healthcheck: { test: ["CMD", "redis-cli", "ping"], interval: 200ms, retries: 1000 }
  worker:
    image: ${services}
    command: sh -c 'while :; do redis-cli -h store brpop work 0; done'
    networks: [back]
    mem_limit: 256m
networks:
  front: {}
  back: { internal: true }
volumes:
  data: {}
`;

const dockerfile = `FROM ${services}
ARG WORD
RUN echo "$WORD" >/var/www/html/index.html && ln -sf /dev/stdout /var/log/nginx/access.log
CMD ["nginx", "-g", "daemon off;"]
`;

describe.skipIf(missing(...DOCKER_PACKAGES, 'docker-compose', 'debootstrap'))('docker-compose', () => {
  const docker = dockerEngine();
  const compose = (line: string): Promise<string> =>
    docker.machine.shell(`cd /run/project; DOCKER_BUILDKIT=0 docker-compose ${line} 2>&1`, 600_000);
  const redis = (line: string): Promise<string> => compose(`exec -T web redis-cli -h redis ${line}`);

  beforeAll(async () => {
    await startDocker(docker, ['services']);
    docker.machine.write('/run/project/docker-compose.yml', project);
    docker.machine.write('/run/project/Dockerfile', dockerfile);
    docker.machine.mark(/^file \/run\/docker\/netns\//);
    await compose('up -d --build');
  }, MAKING_MS);
  afterAll(() => docker.close());

  test('both networks, names and aliases, and a published port', async () => {
    expect(await redis('ping')).toBe('PONG');
    expect(await compose('exec -T worker redis-cli -h store ping')).toBe('PONG');
    // The worker is on the inner network alone.
    expect(await compose('exec -T worker grep -c eth /proc/net/dev')).toBe('1');
    expect(await compose('exec -T web grep -c eth /proc/net/dev')).toBe('2');
    expect(await docker.machine.shell('curl -sS http://127.0.0.1:8080/')).toBe('welcome');
  });

  test('logs of all, each with its name', async () => {
    let logs = '';
    // The line of a request is written after its answer.
    await until('all is there', async () => {
      logs = await compose('logs --no-color');
      return logs.includes('GET / HTTP/1.1');
    });
    expect(logs).toMatch(/^redis_1 +\| .*Ready to accept connections/m);
  });

  test('exec with a terminal', async () => {
    const line = `cd /run/project; docker-compose exec web sh -c 'tty; echo $REDIS; exit 3'`;
    const result = await docker.machine.terminal(line);
    expect(result.stdout).toBe('/dev/pts/0\nredis\n');
    expect(result.status).toBe(3);
  });

  test('scaled up, work is shared, and down again', async () => {
    await compose('up -d --no-recreate --scale worker=3');
    for (let number = 0; number < 6; number++) await redis(`lpush work item-${number}`);
    await until('the work is done', async () => {
      const taken = await compose('logs --no-color worker');
      return (taken.match(/item-\d/g) ?? []).length === 6;
    });
    expect((await compose('ps -q worker')).split('\n')).toHaveLength(3);
    await compose('up -d --no-recreate --scale worker=1');
    expect((await compose('ps -q worker')).split('\n')).toHaveLength(1);
  });

  test('a restarted service has its data, and is found again', async () => {
    await redis('set kept well');
    await compose('restart -t 5 redis');
    await until('it answers', async () => (await redis('get kept').catch(() => '')) === 'well');
    const id = await compose('ps -q redis');
    // What ends by itself is started again.
    await docker.succeed(`exec ${id} sh -c 'kill -TERM 1'`);
    await until('it was started again', async () => (await docker.inspect('.RestartCount', id)) === '1');
    await until('it answers again', async () => (await redis('get kept').catch(() => '')) === 'well');
  });

  test('a changed service is made anew, with the volume of the old one', async () => {
    docker.machine.write(
      '/run/project/docker-compose.yml',
      project.replace('--appendonly yes', '--appendonly yes --maxclients 77'),
    );
    await compose('up -d');
    await until('it answers', async () => (await redis('get kept').catch(() => '')) === 'well');
    expect(await redis('config get maxclients')).toBe('maxclients\n77');
  });

  test('run: one more container of a service', async () => {
    expect(await compose('run --rm --no-deps -T worker redis-cli -h redis get kept')).toMatch(/well$/);
  });

  test('pause, stop, start', async () => {
    await compose('pause worker');
    await compose('unpause worker');
    await compose('stop -t 5 web');
    await compose('start web');
    await until(
      'it answers',
      async () =>
        (await docker.machine.run(['curl', '-sS', 'http://127.0.0.1:8080/'])).stdout === 'welcome\n',
    );
  });

  test('down takes everything away', async () => {
    await compose('down -v -t 2 --rmi local');
    expect(await docker.succeed('ps -aq')).toBe('');
    expect(await docker.succeed('volume ls -q')).toBe('');
    await docker.machine.shell('rm -r /run/project');
    await docker.nothingLeft();
  });
});
