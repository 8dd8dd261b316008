/** Starts a real gofer over a temporary tree, with the client in this process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addon } from '../../../native/addon.ts';
import { GoferClient } from '../../../gofer/client/client.ts';
import { ATTR_COUNT, BRIEF_COUNT } from '../../../gofer/protocol/messages.ts';

export interface Gofer {
  /** The served tree on the host. */
  readonly tree: string;
  /** A directory beside the tree, which the gofer must never reach. */
  readonly outside: string;
  readonly client: GoferClient;
  readonly socket: number;
  readonly process: ChildProcess;
  readonly root: number;
  stop(): Promise<number | null>;
}

const program = fileURLToPath(new URL('server-process.ts', import.meta.url));
const SOCK_SEQPACKET = 5;

export function startGofer(
  prepare: (tree: string, outside: string) => void = () => undefined,
  options: { access?: 'ro' | 'rw'; directoryLimit?: number } = {},
): Gofer {
  const top = mkdtempSync(join(tmpdir(), 'gofer-'));
  const tree = join(top, 'tree');
  const outside = join(top, 'outside');
  mkdirSync(tree);
  mkdirSync(outside);
  prepare(tree, outside);
  const pair = new Int32Array(2);
  addon.socketpair(SOCK_SEQPACKET, pair);
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', program, tree, options.access ?? 'rw', String(options.directoryLimit ?? 4096)],
    { stdio: ['ignore', 'inherit', 'inherit', pair[1]!] },
  );
  addon.close(pair[1]!);
  const client = new GoferClient(pair[0]!, () => undefined);
  const attached = client.attach(0);
  if (attached < 0) throw new Error(`attach: ${attached}`);
  const stop = async (): Promise<number | null> => {
    addon.close(pair[0]!);
    const code = await new Promise<number | null>((resolve) => {
      if (child.exitCode !== null) resolve(child.exitCode);
      else child.once('exit', resolve);
    });
    rmSync(top, { recursive: true, force: true });
    return code;
  };
  return { tree, outside, client, socket: pair[0]!, process: child, root: client.handle, stop };
}

/** One component that a walk found. */
export interface Found {
  readonly attrs: Float64Array;
  readonly handle: number;
  readonly target: string;
}

export function walk(
  client: GoferClient,
  handle: number,
  names: string[],
): { result: number; found: Found[] } {
  const result = client.walk(handle, names);
  const found: Found[] = [];
  for (let left = client.reply.u32(); left > 0; left--) {
    const attrs = readAttrs(client);
    found.push({ attrs, handle: client.reply.u32(), target: client.reply.text() });
  }
  return { result, found };
}

export function readAttrs(client: GoferClient): Float64Array {
  const attrs = new Float64Array(ATTR_COUNT);
  client.reply.attrs(attrs);
  return attrs;
}

/** Every entry of a directory, over as many messages as it takes. */
export function list(client: GoferClient, handle: number): Map<string, Float64Array> {
  const entries = new Map<string, Float64Array>();
  let cursor = 0;
  do {
    const result = client.readdir(handle, '', 0, cursor);
    if (result < 0) throw new Error(`readdir: ${result}`);
    cursor = client.reply.u32();
    for (const [name, attrs] of readBlocks(client)) entries.set(name, attrs);
  } while (cursor !== 0);
  return entries;
}

/** The same of brief blocks: names with inode number and type. */
export function readBriefBlocks(client: GoferClient): [string, { ino: number; type: number }][] {
  const entries: [string, { ino: number; type: number }][] = [];
  for (let left = client.reply.u32(); left > 0; left--) {
    const count = client.reply.block(BRIEF_COUNT);
    const pairs = new Float64Array(count * BRIEF_COUNT);
    client.reply.blockAttrs(pairs.length, pairs, 0);
    client.reply.blockNames().forEach((name, i) => {
      entries.push([name, { ino: pairs[i * BRIEF_COUNT]!, type: pairs[i * BRIEF_COUNT + 1]! }]);
    });
  }
  return entries;
}

/** The entries of the blocks that a reply's count announces. */
export function readBlocks(client: GoferClient): [string, Float64Array][] {
  const entries: [string, Float64Array][] = [];
  for (let left = client.reply.u32(); left > 0; left--) {
    const count = client.reply.block(ATTR_COUNT);
    const attrs = new Float64Array(count * ATTR_COUNT);
    client.reply.blockAttrs(attrs.length, attrs, 0);
    client.reply.blockNames().forEach((name, i) => {
      entries.push([name, attrs.subarray(i * ATTR_COUNT, (i + 1) * ATTR_COUNT)]);
    });
  }
  return entries;
}
