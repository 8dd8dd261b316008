/** Filesystem types that mount(2) can make, by name; filled at start by whoever composes the kernel. */
import { ENODEV } from '../abi/errno.ts';
import type { CallerContext } from './context.ts';
import type { Filesystem } from './inode.ts';

/** `options` is mount(2)'s data string. A new (or shared) instance, or a negated errno. */
export type FilesystemMaker = (options: string, source: string, ctx: CallerContext) => Filesystem | number;

const makers = new Map<string, FilesystemMaker>();

export function registerFilesystemType(name: string, make: FilesystemMaker): void {
  makers.set(name, make);
}

/** An instance of the type; -ENODEV when there is no such type. */
export function makeFilesystem(
  name: string,
  options: string,
  source: string,
  ctx: CallerContext,
): Filesystem | number {
  const make = makers.get(name);
  return make === undefined ? -ENODEV : make(options, source, ctx);
}
