/** The initial stack: read back as a program's start code reads it, and compared with Linux's own byte order. */
import { describe, expect, it } from 'vitest';
import { E2BIG } from '../../../sentry/abi/errno.ts';
import { argumentSpace, checkStringSizes, MAX_STRING } from '../../../sentry/loader/argument-limits.ts';
import { buildStack, type InitialStack } from '../../../sentry/loader/initial-stack.ts';

const TOP = 0x7ffffffff000;
const random = Uint8Array.from({ length: 16 }, (_, i) => i + 1);

function build(argv: string[], envp: string[], slack = 0): InitialStack {
  const auxv: [number, number][] = [
    [33, 0x7ffff7fc1000],
    [6, 4096],
    [25, 0],
    [31, 0],
    [15, 0],
  ];
  return buildStack({ top: TOP, argv, envp, execfn: '/bin/prog', platform: 'x86_64', random, slack, auxv });
}

class Reader {
  private readonly stack: InitialStack;
  at: number;
  constructor(stack: InitialStack) {
    this.stack = stack;
    this.at = stack.sp;
  }
  word(): number {
    const offset = this.at - this.stack.sp;
    this.at += 8;
    return Number(this.stack.bytes.readBigUInt64LE(offset));
  }
  text(addr: number): string {
    const from = addr - this.stack.sp;
    return this.stack.bytes.latin1Slice(from, this.stack.bytes.indexOf(0, from));
  }
  strings(): string[] {
    const texts: string[] = [];
    for (let p = this.word(); p !== 0; p = this.word()) texts.push(this.text(p));
    return texts;
  }
}

describe('buildStack', () => {
  for (const slack of [0, 1, 777, 8191]) {
    it(`holds what a program expects (slack ${slack})`, () => {
      const argv = ['prog', '', 'caf\xe9'];
      const envp = ['A=1', 'EMPTY=', 'LONG='.padEnd(5000, 'x')];
      const stack = build(argv, envp, slack);
      expect(stack.sp % 16).toBe(0);
      expect(stack.sp + stack.bytes.length).toBe(TOP);
      const reader = new Reader(stack);
      expect(reader.word()).toBe(argv.length);
      expect(reader.strings()).toEqual(argv);
      expect(reader.strings()).toEqual(envp);
      const auxvAt = reader.at;
      const aux = new Map<number, number>();
      for (let key = reader.word(); key !== 0; key = reader.word()) aux.set(key, reader.word());
      expect(reader.word()).toBe(0);
      expect(aux.get(33)).toBe(0x7ffff7fc1000);
      expect(aux.get(6)).toBe(4096);
      expect(reader.text(aux.get(31)!)).toBe('/bin/prog');
      expect(reader.text(aux.get(15)!)).toBe('x86_64');
      const randomAt = aux.get(25)! - stack.sp;
      expect([...stack.bytes.subarray(randomAt, randomAt + 16)]).toEqual([...random]);
      expect(Buffer.from(stack.auxv)).toEqual(stack.bytes.subarray(auxvAt - stack.sp, reader.at - stack.sp));
    });
  }

  it('orders the strings as Linux: arguments, environment, path, eight zero bytes', () => {
    const stack = build(['a', 'bc'], ['D=e'], 0);
    const tail = stack.bytes.subarray(stack.argStart - stack.sp).toString('latin1');
    expect(tail).toBe('a\0bc\0D=e\0/bin/prog\0' + '\0'.repeat(8));
    expect(stack.argEnd - stack.argStart).toBe(5);
    expect(stack.envStart).toBe(stack.argEnd);
    expect(stack.envEnd - stack.envStart).toBe(4);
  });
});

describe('argument limits', () => {
  const MIB = 1 << 20;
  it('gives a quarter of the stack, between 128 KiB and 6 MiB', () => {
    expect(argumentSpace(8 * MIB)).toBe(2 * MIB);
    expect(argumentSpace(Infinity)).toBe(6 * MIB);
    expect(argumentSpace(1)).toBe(131072);
  });

  it('refuses long strings and long lists', () => {
    expect(checkStringSizes(['x'.repeat(MAX_STRING - 1)], [], 'p', 8 * MIB)).toBe(0);
    expect(checkStringSizes(['x'.repeat(MAX_STRING)], [], 'p', 8 * MIB)).toBe(-E2BIG);
    const many = new Array<string>(200_000).fill('12');
    expect(checkStringSizes(many, [], 'p', 8 * MIB)).toBe(-E2BIG);
    expect(checkStringSizes(many, [], 'p', 24 * MIB)).toBe(0);
  });
});
