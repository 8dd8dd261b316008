// The configuration that `runsc do` makes.

import { describe, expect, it } from 'vitest';

import { callerEnvironment, doSpec, type DoFlags } from '../../../runsc/cli/commands/do.ts';
import { parseSpec } from '../../../runsc/spec/load-spec.ts';

const flags: DoFlags = { root: '/', env: [], volume: [] };

describe('the configuration', () => {
  it('passes the rules without a warning', () => {
    const warnings: string[] = [];
    parseSpec(JSON.stringify(doSpec(['ls', '-l'], flags)), (message) => warnings.push(message));
    expect(warnings).toEqual([]);
  });

  it('is the host seen from the directory of the caller', () => {
    const spec = doSpec(['ls'], flags);
    expect(spec.root).toEqual({ path: '/', readonly: false });
    expect(spec.process).toMatchObject({ args: ['ls'], cwd: process.cwd(), user: { uid: 0, gid: 0 } });
  });

  it('takes another root, directory, name, variables and volumes', () => {
    const spec = doSpec(['ls'], {
      root: '/srv',
      cwd: '/tmp',
      hostname: 'box',
      env: ['A=1'],
      volume: ['/a:/b', '/c:/d:ro,nosuid'],
    });
    expect(spec).toMatchObject({ root: { path: '/srv' }, hostname: 'box', process: { cwd: '/tmp' } });
    expect(spec.process!.env!.at(-1)).toBe('A=1');
    expect(spec.mounts!.slice(-2)).toEqual([
      { destination: '/b', type: 'bind', source: '/a', options: ['rbind', 'rprivate'] },
      { destination: '/d', type: 'bind', source: '/c', options: ['rbind', 'rprivate', 'ro', 'nosuid'] },
    ]);
  });

  it.each(['/a', ':/b', '/a:b', '/a:/b:ro:x'])('refuses volume %s', (volume) => {
    expect(() => doSpec(['ls'], { ...flags, volume: [volume] })).toThrow('must be SRC:DST[:ro]');
  });
});

it('gives back the variables that the launcher script took', () => {
  const environment = { HOME: '/root', RUNSC_CALLER_NODE_OPTIONS: '--max-old-space-size=100' };
  expect(callerEnvironment(environment)).toEqual(['HOME=/root', 'NODE_OPTIONS=--max-old-space-size=100']);
});
