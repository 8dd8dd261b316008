/**
 * What is rehearsed before images of Sentry and gofer are written: containers whose only program, native/image/rehearsal/,
 * asks for what programs usually ask. So V8 has found out by then what is worth optimizing, and how, which takes it
 * the first half second of a container otherwise.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { addon } from '../../native/addon.ts';
import { defaultSpec } from '../spec/default-spec.ts';
import type { Mount, Spec } from '../spec/spec.ts';
import {
  type BootDocument,
  GOFER_MEMORY_PATH,
  goferTreePath,
  type RehearsalDocument,
  type RehearsalRound,
  STUB_FD,
} from './boot-document.ts';
import { goferDocument } from './boot-documents.ts';
import { servedTrees } from './served-trees.ts';

/**
 * The same program with other mounts: V8 needs to see that there are several kinds, and until nothing is new to it.
 */
const OVERLAYS = ['none', 'root:memory', 'none', 'all:memory', 'none'];

/** Descriptors of a round, from here on: see roundFds(). */
const FIRST_FD = 40;
const FDS_PER_ROUND = 8;
const SEQPACKET = 5;
const STREAM = 1;

const GUEST = 'rehearsal';
const DYNAMIC_GUEST = '/bin/rehearsal-dynamic';
/** As the x86_64 ABI has it. */
const DYNAMIC_LINKER = '/lib64/ld-linux-x86-64.so.2';
const DIRECTORIES = 300;
const FILES = 6;
const FILE_BYTES = 5000;
const LARGER_DIRECTORIES = 30;
const LARGER_FILES = 100;
/** More than one read of a directory gives. */
const MANY_FILES = 1500;
const LARGE_FILE_BYTES = 300_000;

interface RoundFds {
  readonly gofer: number;
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  readonly exit: number;
  readonly shown: number;
}

function roundFds(round: number): RoundFds {
  const first = FIRST_FD + round * FDS_PER_ROUND;
  return {
    gofer: first,
    stdin: first + 1,
    stdout: first + 2,
    stderr: first + 3,
    exit: first + 4,
    shown: first + 5,
  };
}

/** A tree, documents and sockets for one rehearsal. */
export class Rehearsal {
  readonly document: RehearsalDocument;
  private readonly sockets = OVERLAYS.map(() => ({
    gofer: pair(SEQPACKET),
    shown: pair(STREAM),
    input: pair(STREAM),
  }));

  /** `programs`: the directory that has both guests. `directory` is made, and belongs to the rehearsal. */
  constructor(programs: string, directory: string) {
    makeTree(directory, programs);
    this.document = {
      directory,
      rounds: OVERLAYS.map((overlay, round) => makeRound(directory, overlay, round)),
    };
  }

  /** Puts the descriptors of one side where its documents say. */
  place(stdio: number[], side: 'sentry' | 'gofer'): void {
    for (const [round, { gofer, shown, input }] of this.sockets.entries()) {
      const fds = roundFds(round);
      stdio[fds.gofer] = gofer[side === 'sentry' ? 0 : 1];
      if (side === 'gofer') continue;
      stdio[fds.stdin] = input[0];
      stdio[fds.stderr] = input[1];
      stdio[fds.stdout] = shown[0];
      stdio[fds.shown] = shown[1];
    }
  }

  /** This process needs the sockets no more: a side sees the other one's end. */
  handedOver(): void {
    for (const { gofer, shown, input } of this.sockets)
      for (const fd of [...gofer, ...shown, ...input]) addon.close(fd);
  }
}

function pair(type: number): [number, number] {
  const fds = new Int32Array(2);
  const result = addon.socketpair(type, fds);
  if (result < 0) throw new Error(`socketpair: errno ${-result}`);
  return [fds[0]!, fds[1]!];
}

/** Laid out as the gofer's jail: the rootfs, a directory and a file to bind, and room for nameless files. */
function makeTree(directory: string, programs: string): void {
  const at = (path: string): string => join(directory, path);
  const root = goferTreePath(0);
  const data = goferTreePath(1);
  for (const path of ['bin', 'etc', 'lib', 'data', 'tmp', 'proc', 'dev', 'sys'])
    mkdirSync(at(join(root, path)), { recursive: true });
  for (const path of [data, GOFER_MEMORY_PATH]) mkdirSync(at(path), { recursive: true });
  copyFileSync(join(programs, 'rehearsal'), at(join(root, 'bin', GUEST)));
  copyFileSync(join(programs, 'rehearsal-dynamic'), at(join(root, DYNAMIC_GUEST)));
  for (const path of libraries()) {
    mkdirSync(dirname(at(join(root, path))), { recursive: true });
    copyFileSync(path, at(join(root, path)));
  }
  symlinkSync('/etc/passwd', at(join(root, 'bin/link')));
  writeFileSync(at(join(root, 'etc/passwd')), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(at(join(root, 'hosts')), '');
  writeFileSync(at(goferTreePath(2)), '127.0.0.1 localhost\n');
  for (const tree of [join(root, 'lib'), data]) fill(at(tree));
}

/** What the dynamic guest needs: Node has them too. Where they don't fit the guest, that part is not rehearsed. */
function libraries(): string[] {
  const libc = /\S*\/libc\.so\.6$/m.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0];
  return [DYNAMIC_LINKER, libc].filter((path) => path !== undefined && existsSync(path)) as string[];
}

function fill(directory: string): void {
  for (let i = 0; i < DIRECTORIES; i++) {
    const inner = join(directory, `d${i}`);
    mkdirSync(inner);
    symlinkSync('../d0', join(inner, 'link'));
    for (let k = 0; k < FILES; k++)
      writeFileSync(join(inner, `f${k}`), Buffer.alloc((k * FILE_BYTES) / FILES, 'x\n'));
    // Some trees are deep.
    if (i % 3 !== 0) continue;
    const deep = join(inner, 'a/b');
    mkdirSync(deep, { recursive: true });
    for (const path of [
      'a/first',
      'a/b/the-second-of-the-files.in-it',
      'a/b/another_file-with-a.longer.name',
    ])
      writeFileSync(join(inner, path), 'x\n');
  }
  // What does not fit one message, and what is empty.
  for (let i = 0; i < LARGER_DIRECTORIES; i++) {
    const inner = join(directory, `larger/of-several-files-with-long-names-${i}`);
    mkdirSync(join(inner, 'empty'), { recursive: true });
    for (let k = 0; k < LARGER_FILES; k++)
      writeFileSync(join(inner, `a-file-that-has-a-longer-name-than-most-${k}.txt`), 'x\n');
  }
  writeFileSync(join(directory, 'large'), Buffer.alloc(LARGE_FILE_BYTES, 'x\n'));
  mkdirSync(join(directory, 'many'));
  for (let i = 0; i < MANY_FILES; i++)
    writeFileSync(join(directory, 'many', `one-of-many-files-${i}.so`), '');
}

function makeRound(directory: string, overlay2: string, round: number): RehearsalRound {
  const { shown, ...fds } = roundFds(round);
  const spec = makeSpec(directory);
  const served = servedTrees(directory, spec, overlay2);
  const sentry: BootDocument = {
    version: 1,
    id: `rehearsal-${round}`,
    startNow: true,
    shellStatus: false,
    spec,
    bundle: directory,
    rootfs: directory,
    rootReadonly: false,
    overlay2,
    network: 'none',
    netRaw: false,
    netPolicy: false,
    platform: 'systrap',
    debug: false,
    logFormat: 'text',
    strace: { enabled: false, syscalls: [], format: 'text' },
    // Nobody is told of the steps of a start.
    fds: { ...fds, stub: STUB_FD, ready: -1, joined: -1, control: -1, oomScore: -1 },
    preservedFds: [],
    mounts: served.mounts,
    hostUid: 0,
    hostGid: 0,
    hostname: 'rehearsal',
    domainname: '',
    shared: {},
    cpuCount: availableParallelism(),
    hostCpuCount: availableParallelism(),
    memoryLimitBytes: 0,
    stubOomScore: 0,
    hostMemoryBytes: totalmem(),
    pidsLimit: 0,
    cgroupPath: '',
  };
  const gofer = goferDocument(sentry, served, false);
  return {
    sentry,
    gofer: { ...gofer, fds: { ready: -1, gofer: fds.gofer }, overlayDirectory: false },
    shown,
  };
}

function makeSpec(directory: string): Spec {
  const spec = defaultSpec();
  const bind = (index: number, destination: string): Mount => ({
    destination,
    type: 'bind',
    source: join(directory, goferTreePath(index)),
    options: ['rbind', 'rw'],
  });
  return {
    ...spec,
    process: { ...spec.process!, terminal: false, args: [GUEST] },
    root: { path: join(directory, goferTreePath(0)), readonly: false },
    mounts: [
      ...spec.mounts!,
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
      bind(1, '/data'),
      bind(2, '/etc/hosts'),
    ],
  };
}
