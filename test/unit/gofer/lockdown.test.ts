/** The gofer's seccomp filter: what it refuses. That the gofer works under it is what the other tests show. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('a locked gofer makes no sockets, processes, signals or descriptors of other kinds, and still collects garbage', () => {
  const program = `
    import { addon } from '${root}native/addon.ts';
    import { lockDown } from '${root}gofer/server/seccomp.ts';
    const before = addon.kill(addon.getpid(), 0);
    lockDown();
    const results = {
      before,
      kill: addon.kill(addon.getpid(), 0),
      socketpair: addon.socketpair(1, new Int32Array(2)),
      execve: addon.execve('/bin/true', ['true'], []),
      memfd: addon.memfdCreate('x', 0),
      prctl: addon.prctl(3, 0),
    };
    let kept = [];
    for (let i = 0; i < 300; i++) {
      kept.push(new Array(20_000).fill(i));
      if (kept.length > 50) kept = [];
    }
    addon.write(1, Buffer.from(JSON.stringify(results)), 0, JSON.stringify(results).length);
    process.exit(7);
  `;
  const child = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    cwd: root,
    encoding: 'utf8',
  });
  expect(child.stderr).toBe('');
  expect(JSON.parse(child.stdout)).toEqual({
    before: 0,
    kill: -1,
    socketpair: -1,
    execve: -1,
    memfd: -1,
    prctl: -1,
  });
  expect(child.status).toBe(7);
});
