/** Files that are generated and committed must be what their generators write today. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { HEADER_PATH, layoutHeader } from '../../../native/layout/generate.ts';
import { supportPage } from '../../../syscalls/table/generate-docs.ts';
import { marshalHeader } from '../../../syscalls/table/marshal.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('native/include/layout.h is current', () => {
  expect(readFileSync(HEADER_PATH, 'utf8')).toBe(layoutHeader());
});

test('native/include/marshal_table.h is current', () => {
  expect(read('native/include/marshal_table.h')).toBe(marshalHeader());
});

test('docs/syscalls.md is current', () => {
  expect(read('docs/syscalls.md')).toBe(supportPage());
});
