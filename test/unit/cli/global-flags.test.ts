// The values of the global flags.

import { describe, expect, it } from 'vitest';

import { toRuntimeOptions, type GlobalFlags } from '../../../runsc/cli/global-flags.ts';

const defaults: GlobalFlags = {
  root: '/r',
  logFormat: 'text',
  platform: 'systrap',
  network: 'none',
  netAllow: [],
  netDeny: [],
  overlay2: 'none',
  hostUds: 'none',
  straceFormat: 'text',
  rootless: 'auto',
};

describe('values', () => {
  it('become options, with absolute paths', () => {
    const flags: GlobalFlags = {
      ...defaults,
      root: 'r',
      log: 'l',
      debug: true,
      straceSyscalls: 'open,,close',
    };
    expect(toRuntimeOptions(flags)).toEqual({
      root: `${process.cwd()}/r`,
      log: `${process.cwd()}/l`,
      logFormat: 'text',
      debug: true,
      platform: 'systrap',
      network: 'none',
      netRaw: false,
      netAllow: [],
      netDeny: [],
      overlay2: 'none',
      hostUds: 'none',
      strace: false,
      straceSyscalls: ['open', 'close'],
      straceFormat: 'text',
      systemdCgroup: false,
      rootless: 'auto',
      ignoreCgroups: false,
    });
  });

  it.each([
    'none',
    'root:memory',
    'all:self',
    'root:dir=/var/tmp',
    'root:memory,size=2g',
    'all:dir=/a b,size=100',
  ])('--overlay2 %s', (overlay2) => {
    expect(toRuntimeOptions({ ...defaults, overlay2 }).overlay2).toBe(overlay2);
  });

  it.each<[Partial<GlobalFlags>, string]>([
    [{ platform: 'kvm' }, 'unknown platform "kvm": the known ones are systrap'],
    [{ network: 'sandbox' }, '--network sandbox is not available yet: host and none are'],
    [{ network: 'x' }, 'unknown network "x": the known ones are host and none'],
    [{ logFormat: 'xml' }, 'invalid log-format: xml'],
    [{ straceFormat: 'xml' }, 'invalid strace-format: xml'],
    [
      { overlay2: 'root:disk' },
      'invalid overlay2 "root:disk": must be none or {root|all}:{memory|self|dir=/PATH}[,size=SIZE]',
    ],
    [
      { overlay2: 'root:dir=rel' },
      'invalid overlay2 "root:dir=rel": must be none or {root|all}:{memory|self|dir=/PATH}[,size=SIZE]',
    ],
  ])('refuses %j', (flags, message) => {
    expect(() => toRuntimeOptions({ ...defaults, ...flags })).toThrow(message);
  });
});
