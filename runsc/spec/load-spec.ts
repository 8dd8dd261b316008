// Reads a bundle's config.json and checks all of it: syntax, shape, rules, and that the rootfs is there.

import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';

import { checkShape } from './check-shape.ts';
import { ConfigError, quote, type Warn } from './config-error.ts';
import { checkRules } from './rules.ts';

import type { Mount, Spec } from './spec.ts';

/**
 * The configuration of the bundle in directory `bundle`. Throws ConfigError, or an Error in runc's words when the
 * bundle or its config.json is not there. What is ignored or suspicious goes to `warn`.
 */
export function loadSpec(bundle: string, warn: Warn): Spec {
  const spec = parseSpec(readConfig(bundle), warn);
  checkRootfs(bundle, spec);
  return spec;
}

/** The same for the text of a config.json, without a look at the host's files. */
export function parseSpec(text: string, warn: Warn): Spec {
  const spec = checkShape(parseJson(text), warn);
  checkRules(spec, warn);
  return complete(spec);
}

/** What was only warned about gets the meaning that it has in runc. */
function complete(spec: Spec): Spec {
  return {
    ...spec,
    ociVersion: spec.ociVersion || '1.0.0',
    ...(spec.mounts === undefined ? {} : { mounts: spec.mounts.map(withAbsoluteDestination) }),
  };
}

function withAbsoluteDestination(mount: Mount): Mount {
  return mount.destination.startsWith('/') ? mount : { ...mount, destination: `/${mount.destination}` };
}

/** The text of the bundle's config.json. */
export function readConfig(bundle: string): string {
  let info;
  try {
    info = statSync(bundle);
  } catch (cause) {
    throw new Error(`chdir ${bundle}: ${describeErrno(cause)}`, { cause });
  }
  if (!info.isDirectory()) throw new Error(`chdir ${bundle}: not a directory`);
  try {
    return readFileSync(resolve(bundle, 'config.json'), 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') {
      throw new Error('JSON specification file config.json not found', { cause });
    }
    throw new ConfigError('', `cannot be read: ${describeErrno(cause)}`, { cause });
  }
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const position = /position (\d+)/.exec(message)?.[1];
    // V8 quotes a piece of the text, which may span lines.
    const sentence = message.replace(/\s+/g, ' ').replace(/ in JSON at position \d+.*/, '');
    const place = position === undefined ? '' : `${placeOf(text, Number(position))}: `;
    throw new ConfigError('', `${place}not valid JSON: ${sentence}`, { cause });
  }
}

function placeOf(text: string, position: number): string {
  const before = text.slice(0, position).split('\n');
  return `line ${before.length}, column ${before[before.length - 1]!.length + 1}`;
}

function checkRootfs(bundle: string, spec: Spec): void {
  const path = resolve(bundle, spec.root!.path);
  let info;
  try {
    info = statSync(path);
  } catch (cause) {
    throw new ConfigError('root.path', `invalid rootfs: stat ${path}: ${describeErrno(cause)}`, { cause });
  }
  if (!info.isDirectory())
    throw new ConfigError('root.path', `invalid rootfs: ${quote(path)} is not a directory`);
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/** An errno in the words of strerror(3), which are also Go's. */
export function describeErrno(error: unknown): string {
  const { errno, code, message } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? code ?? message;
}
