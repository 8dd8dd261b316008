/** Writes docs/syscalls.md, the support table, from the syscall table (`npm run generate`). */
import { writeFileSync } from 'node:fs';
import { type Row, tableOf } from './index.ts';

/** The page's whole text. */
export function supportPage(): string {
  const amd64 = tableOf('x64');
  const arm64 = new Map(tableOf('arm64').map((row) => [row.name, row.number]));
  const known = new Set(amd64.map((row) => row.name));
  const onlyArm64 = tableOf('arm64').filter((row) => !known.has(row.name));
  const count = (support: string): number => amd64.filter((row) => row.support === support).length;
  return [
    '# System calls',
    '',
    'Generated from the syscall table (`npm run generate`). `full`: every flag and error of the manual page; `partial`:',
    'what is missing is noted; `errno`: answers an error as a kernel without the feature does; `unimplemented`: answers',
    'ENOSYS, and the sandbox counts how often it was asked.',
    '',
    `x86_64: ${count('full')} full, ${count('partial')} partial, ${count('errno')} errno, ${count('unimplemented')} unimplemented.`,
    '',
    '| call | x86_64 | arm64 | support | note |',
    '| --- | --- | --- | --- | --- |',
    ...amd64.map((row) => line(row, row.number, arm64.get(row.name))),
    ...onlyArm64.map((row) => line(row, undefined, row.number)),
    '',
  ].join('\n');
}

function line(row: Row, x64: number | undefined, arm64: number | undefined): string {
  return `| ${row.name} | ${x64 ?? ''} | ${arm64 ?? ''} | ${row.support} | ${row.note.replaceAll('|', '\\|')} |`;
}

if (process.argv[1]?.endsWith('generate-docs.ts') === true) {
  writeFileSync(new URL('../../docs/syscalls.md', import.meta.url), supportPage());
}
