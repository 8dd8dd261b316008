/** The stub's marshalling table, made from the syscall tables: native/include/marshal_table.h (`npm run generate`). */
import { amd64 } from './amd64.ts';
import { arm64 } from './arm64.ts';
import type { ArgKind } from './args.ts';
import { calls } from './calls.ts';

/** Kinds of struct marshal_step; native/stub/marshal.c acts on them. */
const KINDS = {
  string: 'MARSHAL_STRING',
  bytes: 'MARSHAL_BYTES',
  struct: 'MARSHAL_STRUCT',
  iovec: 'MARSHAL_IOVEC',
  'iovec-gather': 'MARSHAL_IOVEC_GATHER',
} as const;

const MAX_STEPS = 4;

/** The header's whole text, both architectures. */
export function marshalHeader(): string {
  return [
    '/* Generated from the syscall table by syscalls/table/marshal.ts: do not edit. */',
    '#ifndef RUNSC_MARSHAL_TABLE_H',
    '#define RUNSC_MARSHAL_TABLE_H',
    '',
    '#include <stdint.h>',
    '',
    `enum { ${Object.values(KINDS)
      .map((name, i) => (i === 0 ? `${name} = 1` : name))
      .join(', ')} };`,
    '',
    'struct marshal_step {',
    '  uint8_t kind;',
    '  uint8_t arg;',
    '  uint8_t len_arg;',
    '  uint8_t pad;',
    '  uint32_t size;',
    '};',
    '',
    'struct marshal_row {',
    '  uint32_t count;',
    `  struct marshal_step steps[${MAX_STEPS}];`,
    '};',
    '',
    '#if defined(__x86_64__)',
    ...table(amd64),
    '#else',
    ...table(arm64),
    '#endif',
    '',
    '#endif',
    '',
  ].join('\n');
}

function table(numbers: readonly (readonly [number, string])[]): string[] {
  const lines: string[] = [];
  let last = 0;
  for (const [number, name] of numbers) {
    const steps = (calls[name]?.args ?? []).flatMap((kind, i) => step(kind, i));
    if (steps.length === 0) continue;
    if (steps.length > MAX_STEPS) throw new Error(`marshal: ${name} has more than ${MAX_STEPS} inputs`);
    lines.push(`    [${number}] = {${steps.length}, {${steps.join(', ')}}}, /* ${name} */`);
    last = Math.max(last, number);
  }
  return [
    `#define MARSHAL_ROWS ${last + 1}`,
    'static const struct marshal_row marshal_table[MARSHAL_ROWS] = {',
    ...lines,
    '};',
  ];
}

function step(kind: ArgKind, arg: number): string[] {
  if (kind.marshal === undefined || kind.marshal === 'strings' || kind.marshal === 'msghdr') return [];
  return [`{${KINDS[kind.marshal]}, ${arg}, ${kind.lenArg ?? 0}, 0, ${kind.size ?? 0}}`];
}
