/** /proc/PID/{maps,smaps,smaps_rollup,numa_maps,auxv,cmdline,environ}: a process's memory map and its strings. */
import { major, minor } from '../../abi/stat.ts';
import type { Task } from '../../kernel/task.ts';
import type { AddressSpace } from '../../mm/address-space.ts';
import { describe } from '../../mm/describe.ts';
import type { AreaInfo } from '../../mm/describe.ts';
import { hex, kib, mmOf } from './context.ts';

/** Column at which names begin. */
const NAME_COLUMN = 73;
/** Longest cmdline and environ that are copied in one go. */
const STRINGS_MAX = 2 << 20;
const PAGE = 4096;

function areaLine(area: AreaInfo): string {
  const device = `${hex(major(area.dev), 2)}:${hex(minor(area.dev), 2)}`;
  const range = `${hex(area.start, 8)}-${hex(area.end, 8)}`;
  const line = `${range} ${area.rights} ${hex(area.offset, 8)} ${device} ${area.ino}`;
  // Every line ends in a blank at least, as Linux pads before it knows of a name.
  return area.name === ''
    ? `${line} \n`
    : `${line} `.padEnd(NAME_COLUMN) + area.name.replaceAll('\n', '\\012') + '\n';
}

export function mapsText(task: Task): string {
  const mm = mmOf(task);
  return mm === null ? '' : describe(mm).map(areaLine).join('');
}

export function smapsText(task: Task): string {
  const mm = mmOf(task);
  return mm === null
    ? ''
    : describe(mm)
        .map((area) => areaLine(area) + areaDetails(area))
        .join('');
}

/** smaps_rollup: the sums under one line. */
export function smapsRollupText(task: Task): string {
  const mm = mmOf(task);
  if (mm === null) return '';
  const areas = describe(mm);
  const first = areas[0];
  const last = areas.at(-1);
  if (first === undefined || last === undefined) return '';
  let anonymous = 0;
  let file = 0;
  let locked = 0;
  for (const area of areas) {
    if (area.anonymous) anonymous += area.resident;
    else file += area.resident;
    if (area.locked) locked += area.resident;
  }
  const range = `${hex(first.start, 8)}-${hex(last.end, 8)} ---p 00000000 00:00 0 `;
  return `${range.padEnd(NAME_COLUMN)}[rollup]\n${counters(anonymous, file, locked, true)}`;
}

function areaDetails(area: AreaInfo): string {
  const size = area.end - area.start;
  const anonymous = area.anonymous ? area.resident : 0;
  const file = area.anonymous ? 0 : area.resident;
  return (
    `Size:           ${kb(size)}KernelPageSize: ${kb(PAGE)}MMUPageSize:    ${kb(PAGE)}` +
    counters(anonymous, file, area.locked ? area.resident : 0, false) +
    `THPeligible:           0\nVmFlags: ${area.vmFlags} \n`
  );
}

function kb(bytes: number): string {
  return `${String(kib(bytes)).padStart(8)} kB\n`;
}

/** Anonymous memory counts as private and dirty, file pages as private and clean. */
function counters(anonymous: number, file: number, locked: number, rollup: boolean): string {
  const rss = anonymous + file;
  return (
    `Rss:            ${kb(rss)}Pss:            ${kb(rss)}Pss_Dirty:      ${kb(anonymous)}` +
    (rollup ? `Pss_Anon:       ${kb(anonymous)}Pss_File:       ${kb(file)}Pss_Shmem:      ${kb(0)}` : '') +
    `Shared_Clean:   ${kb(0)}Shared_Dirty:   ${kb(0)}Private_Clean:  ${kb(file)}` +
    `Private_Dirty:  ${kb(anonymous)}Referenced:     ${kb(rss)}Anonymous:      ${kb(anonymous)}` +
    `KSM:            ${kb(0)}LazyFree:       ${kb(0)}AnonHugePages:  ${kb(0)}ShmemPmdMapped: ${kb(0)}` +
    `FilePmdMapped:  ${kb(0)}Shared_Hugetlb: ${kb(0)}Private_Hugetlb:${kb(0)}Swap:           ${kb(0)}` +
    `SwapPss:        ${kb(0)}Locked:         ${kb(locked)}`
  );
}

export function numaMapsText(task: Task): string {
  const mm = mmOf(task);
  if (mm === null) return '';
  const line = (area: AreaInfo): string => {
    const pages = Math.floor(area.resident / PAGE);
    const what =
      area.name === '[heap]'
        ? ' heap'
        : area.name === '[stack]'
          ? ' stack'
          : area.anonymous
            ? ''
            : ` file=${area.name}`;
    const counts =
      pages === 0 ? '' : ` ${area.anonymous ? `anon=${pages} dirty=${pages}` : `mapped=${pages}`}`;
    return `${hex(area.start, 8)} default${what}${counts}${pages === 0 ? '' : ` N0=${pages} kernelpagesize_kB=4`}\n`;
  };
  return describe(mm).map(line).join('');
}

export function auxvBytes(task: Task): Uint8Array {
  return mmOf(task)?.auxv ?? new Uint8Array(0);
}

export function environBytes(task: Task): Uint8Array {
  const mm = mmOf(task);
  return mm === null ? new Uint8Array(0) : readGuest(mm, mm.envStart, mm.envEnd);
}

/**
 * The arguments as the process has them now. A program that has overwritten the final NUL (setproctitle) shows one
 * string up to its own NUL, which may run on into the environment's place.
 */
export function cmdlineBytes(task: Task): Uint8Array {
  const mm = mmOf(task);
  if (mm === null) return new Uint8Array(0);
  const args = readGuest(mm, mm.argStart, mm.argEnd);
  if (args.length === 0 || args[args.length - 1] === 0) return args;
  const end = args.indexOf(0);
  if (end >= 0) return args.subarray(0, end + 1);
  if (mm.envStart !== mm.argEnd) return args;
  const rest = readGuest(mm, mm.envStart, Math.min(mm.envEnd, mm.envStart + PAGE));
  const stop = rest.indexOf(0);
  return Buffer.concat([args, stop < 0 ? rest : rest.subarray(0, stop + 1)]);
}

/** Copies [start, end) from the process; what cannot be read ends it early. */
function readGuest(mm: AddressSpace, start: number, end: number): Uint8Array {
  const len = Math.min(end - start, STRINGS_MAX);
  if (len <= 0) return new Uint8Array(0);
  const out = new Uint8Array(len);
  if (mm.space.read(start, out, 0, len) >= 0) return out;
  let done = 0;
  while (done < len) {
    const part = Math.min(PAGE - ((start + done) % PAGE), len - done);
    if (mm.space.read(start + done, out, done, part) < 0) break;
    done += part;
  }
  return out.subarray(0, done);
}
