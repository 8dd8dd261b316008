// Rules about destinations: what they may look like, and what the broker gets.

import { describe, expect, it } from 'vitest';

import { resolveRules } from '../../../runsc/sandbox/network-plan.ts';
import { parseRule, ruleRecords } from '../../../runsc/sandbox/network-rules.ts';

import type { Spec } from '../../../runsc/spec/spec.ts';

const resolve = (name: string): Promise<string[]> =>
  Promise.resolve(name === 'two.test' ? ['192.0.2.1', '2001:db8::1'] : []);

describe('a rule', () => {
  it.each<[string, ReturnType<typeof parseRule>]>([
    ['10.0.0.0/8', { host: '10.0.0.0', prefix: 8, port: 0 }],
    ['10.0.0.1', { host: '10.0.0.1', port: 0 }],
    ['10.0.0.1:443', { host: '10.0.0.1', port: 443 }],
    ['10.0.0.0/8:443', { host: '10.0.0.0', prefix: 8, port: 443 }],
    ['2001:db8::/32', { host: '2001:db8::', prefix: 32, port: 0 }],
    ['::1', { host: '::1', port: 0 }],
    ['[2001:db8::1]:80', { host: '2001:db8::1', port: 80 }],
    ['[2001:db8::/32]:80', { host: '2001:db8::', prefix: 32, port: 80 }],
    ['example.com', { host: 'example.com', port: 0 }],
    ['a-b.example.com:8443', { host: 'a-b.example.com', port: 8443 }],
    ['localhost', { host: 'localhost', port: 0 }],
  ])('%s', (text, rule) => {
    expect(parseRule(text)).toEqual(rule);
  });

  it.each([
    '',
    ':80',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    '10.0.0.1:http',
    '[10.0.0.1',
    '[example.com]:80',
    'example.com/8',
    'exam ple.com',
    'a"b',
    '2001:db8::/129',
    '2001:db8:::1',
    '-x',
  ])('is not %j', (text) => {
    expect(() => parseRule(text)).toThrow(
      /^invalid network rule .*: must be CIDR\[:PORT\], \[IPV6\]:PORT or NAME\[:PORT\]$/,
    );
  });

  it('becomes a record for each address of a name', async () => {
    expect(await ruleRecords('two.test:443', resolve)).toEqual([
      '192.0.2.1/32 443 two.test:443',
      '2001:db8::1/128 443 two.test:443',
    ]);
    expect(await ruleRecords('10.0.0.0/8', resolve)).toEqual(['10.0.0.0/8 0 10.0.0.0/8']);
  });
});

describe('the rules of a container', () => {
  const spec = { annotations: { 'dev.runsc.net.deny': '10.0.0.1, 10.0.0.2:80' } } as unknown as Spec;

  it('are those of the flags, then those of annotations', async () => {
    const options = { network: 'host', netAllow: ['127.0.0.1'], netDeny: ['::1'] };
    expect(await resolveRules(options, spec, resolve)).toEqual({
      allow: ['127.0.0.1/32 0 127.0.0.1'],
      deny: ['::1/128 0 ::1', '10.0.0.1/32 0 10.0.0.1', '10.0.0.2/32 80 10.0.0.2:80'],
    });
  });

  it('mean nothing without the host’s sockets', async () => {
    await expect(resolveRules({ network: 'none' }, spec, resolve)).rejects.toThrow(
      'network rules need --network host: --network none has no destinations',
    );
  });
});
