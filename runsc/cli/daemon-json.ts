// The runtime's entry in Docker's daemon.json: everything else in the file stays as it is.

import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  lstatSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface DockerRuntime {
  readonly path: string;
  readonly runtimeArgs?: readonly string[];
}

export interface Registration {
  readonly name: string;
  readonly runtime: DockerRuntime;
  /** False: an entry of that name with other contents is an error. */
  readonly clobber: boolean;
  readonly experimental: boolean;
  /** cgroupfs or systemd: Docker passes it on to every runtime. */
  readonly cgroupDriver?: string;
}

type Json = Record<string, unknown>;

const CGROUP_DRIVER = 'native.cgroupdriver=';

/** Adds or replaces the entry; a missing file is made. */
export function register(path: string, registration: Registration): void {
  const config = readConfig(path) ?? {};
  const { name, runtime } = registration;
  const runtimes = objectIn(path, config, 'runtimes');
  if (!registration.clobber && Object.hasOwn(runtimes, name)) {
    if (JSON.stringify(runtimes[name]) !== JSON.stringify(runtime)) {
      throw new Error(`${path} has another runtime ${JSON.stringify(name)}, and clobber is false`);
    }
  }
  const changed: Json = { ...config, runtimes: { ...runtimes, [name]: runtime } };
  if (registration.experimental) changed['experimental'] = true;
  if (registration.cgroupDriver !== undefined) {
    const options: unknown = config['exec-opts'] ?? [];
    if (!isStrings(options)) throw new Error(`${path}: "exec-opts" is not an array of strings`);
    const others = options.filter((option) => !option.startsWith(CGROUP_DRIVER));
    changed['exec-opts'] = [...others, CGROUP_DRIVER + registration.cgroupDriver];
  }
  writeConfig(path, changed);
}

/** Removes the entry. One that containers get by default stays: Docker would not start without it. */
export function unregister(path: string, name: string): void {
  const config = readConfig(path);
  if (config === undefined) throw new Error(`${path} does not exist`);
  const { [name]: entry, ...others } = objectIn(path, config, 'runtimes');
  if (entry === undefined) throw new Error(`${path} has no runtime ${JSON.stringify(name)}`);
  if (config['default-runtime'] === name) {
    throw new Error(`${path} names ${JSON.stringify(name)} as its default-runtime: change that first`);
  }
  const { runtimes: _, ...rest } = config;
  writeConfig(path, Object.keys(others).length === 0 ? rest : { ...config, runtimes: others });
}

function readConfig(path: string): Json | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  // Docker takes an empty file for {}.
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(value)) throw new Error(`${path} is not a JSON object`);
  return value;
}

function objectIn(path: string, config: Json, key: string): Json {
  const value = config[key] ?? {};
  if (!isObject(value)) throw new Error(`${path}: ${JSON.stringify(key)} is not an object`);
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

/** Readers see the old file or the new one; its mode stays, and a symbolic link to it. */
function writeConfig(path: string, config: Json): void {
  mkdirSync(dirname(path), { recursive: true });
  const before = statSync(path, { throwIfNoEntry: false });
  const target = before === undefined ? path : followLinks(path);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    const fd = openSync(temporary, 'wx', 0o644);
    try {
      writeSync(fd, `${JSON.stringify(config, null, 4)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    if (before !== undefined) chmodSync(temporary, before.mode & 0o7777);
    renameSync(temporary, target);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new Error(`cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** The file behind symbolic links; the directories in between may be anything that can be opened. */
function followLinks(path: string): string {
  let target = path;
  for (let links = 0; links < 40 && lstatSync(target).isSymbolicLink(); links++) {
    target = resolve(dirname(target), readlinkSync(target));
  }
  return target;
}
