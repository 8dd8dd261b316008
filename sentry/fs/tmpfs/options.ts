/** Mount options of tmpfs (tmpfs(5)): size, nr_blocks, nr_inodes, mode, uid, gid. */
import { EINVAL } from '../../abi/errno.ts';

export interface TmpfsOptions {
  maxPages: number;
  maxInodes: number;
  mode: number;
  uid: number;
  gid: number;
  /** As written, for mountinfo. */
  shown: string[];
}

/** Parses "size=64m,mode=1777"; `memoryBytes` is what percentages refer to. A negated errno for what tmpfs refuses. */
export function parseTmpfsOptions(
  text: string,
  memoryBytes: number,
  base: TmpfsOptions,
): TmpfsOptions | number {
  const out: TmpfsOptions = { ...base, shown: [...base.shown] };
  for (const part of text.split(',')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const key = equals < 0 ? part : part.slice(0, equals);
    const value = equals < 0 ? '' : part.slice(equals + 1);
    const r = applyOption(out, key, value, memoryBytes);
    if (r < 0) return r;
  }
  return out;
}

function applyOption(out: TmpfsOptions, key: string, value: string, memoryBytes: number): number {
  switch (key) {
    case 'size': {
      const bytes = value.endsWith('%') ? percent(value, memoryBytes) : sizeOf(value);
      if (bytes < 0) return -EINVAL;
      out.maxPages = bytes === 0 ? Infinity : Math.ceil(bytes / 4096);
      show(out, key, bytes === 0 ? '0' : `${out.maxPages * 4}k`);
      return 0;
    }
    case 'nr_blocks': {
      const blocks = sizeOf(value);
      if (blocks < 0) return -EINVAL;
      out.maxPages = blocks === 0 ? Infinity : blocks;
      show(out, 'size', `${blocks * 4}k`);
      return 0;
    }
    case 'nr_inodes': {
      const inodes = sizeOf(value);
      if (inodes < 0) return -EINVAL;
      out.maxInodes = inodes === 0 ? Infinity : inodes;
      show(out, key, String(inodes));
      return 0;
    }
    case 'mode':
      if (!/^[0-7]{1,5}$/.test(value)) return -EINVAL;
      out.mode = parseInt(value, 8) & 0o7777;
      show(out, key, out.mode.toString(8).padStart(3, '0'));
      return 0;
    case 'uid':
    case 'gid':
      if (!/^\d{1,10}$/.test(value) || Number(value) >= 0xffffffff) return -EINVAL;
      out[key] = Number(value);
      show(out, key, value);
      return 0;
    // Accepted and without effect here: huge pages, NUMA policy, swap, inode width, quotas off.
    case 'huge':
    case 'mpol':
    case 'noswap':
    case 'inode32':
    case 'inode64':
      show(out, key, value);
      return 0;
    default:
      return -EINVAL;
  }
}

function show(out: TmpfsOptions, key: string, value: string): void {
  out.shown = out.shown.filter((each) => each !== key && !each.startsWith(`${key}=`));
  out.shown.push(value === '' ? key : `${key}=${value}`);
}

/** In the order of Linux, without those that are the default. */
export function shownOptions(shown: readonly string[]): string {
  const place = (option: string): number => {
    const at = ORDER.indexOf(option.replace(/=.*/, ''));
    return at < 0 ? ORDER.length : at;
  };
  const told = shown.filter((option) => !/^(mode=1777|[ug]id=0|inode64)$/.test(option));
  return told.sort((a, b) => place(a) - place(b)).join(',');
}

const ORDER = ['size', 'nr_inodes', 'mode', 'uid', 'gid', 'huge', 'mpol', 'noswap'];

function percent(value: string, memoryBytes: number): number {
  const m = /^(\d{1,3})%$/.exec(value);
  return m === null ? -1 : Math.floor((Number(m[1]) * memoryBytes) / 100);
}

/** memparse(): a number with an optional k, m, g, t, p, e; -1 when malformed. */
function sizeOf(value: string): number {
  const m = /^(0x[0-9a-f]+|\d+)([kmgtpe]?)$/i.exec(value);
  if (m === null) return -1;
  const power = m[2] === '' ? 0 : 'kmgtpe'.indexOf(m[2]!.toLowerCase()) + 1;
  return Number(m[1]) * 1024 ** power;
}
