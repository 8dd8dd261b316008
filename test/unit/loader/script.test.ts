/** `#!` lines: each case's expectation is what execve(2) does with such a file on Linux. */
import { describe, expect, it } from 'vitest';
import { ENOEXEC } from '../../../sentry/abi/errno.ts';
import { parseScript } from '../../../sentry/loader/script.ts';

function parse(text: string): ReturnType<typeof parseScript> {
  return parseScript(Buffer.from(text, 'latin1'));
}

describe('parseScript', () => {
  const good: [string, string, string | null][] = [
    ['#!/bin/sh\n', '/bin/sh', null],
    ['#! \t /bin/sh \t \nexit', '/bin/sh', null],
    ['#!/bin/sh', '/bin/sh', null],
    ['#!/usr/bin/env python3 -u\n', '/usr/bin/env', 'python3 -u'],
    ['#!/bin/sh \t -e  -x \t\n', '/bin/sh', '-e  -x'],
    ['#!/bin/sh\0ignored\n', '/bin/sh', null],
    ['#!/bin/sh a\0b\n', '/bin/sh', 'a'],
    ['#!/bin/\xe9t\xe9\r\n', '/bin/\xe9t\xe9\r', null],
  ];
  for (const [text, interpreter, argument] of good) {
    it(JSON.stringify(text), () => {
      expect(parse(text)).toEqual({ interpreter, argument });
    });
  }

  it('is no script without the mark', () => {
    expect(parse('# /bin/sh\n')).toBeNull();
    expect(parse('#')).toBeNull();
    expect(parse('\x7fELF')).toBeNull();
  });

  for (const text of ['#!', '#!\n', '#!  \t \n', '#!\0/bin/sh\n', `#!${' '.repeat(300)}/bin/sh\n`]) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      expect(parse(text)).toBe(-ENOEXEC);
    });
  }

  it('refuses an interpreter that may be cut off, and cuts off an argument', () => {
    expect(parse(`#!/${'x'.repeat(260)}\n`)).toBe(-ENOEXEC);
    expect(parse(`#!/bin/sh ${'y'.repeat(300)}\n`)).toEqual({
      interpreter: '/bin/sh',
      argument: 'y'.repeat(255 - '#!/bin/sh '.length),
    });
  });
});
