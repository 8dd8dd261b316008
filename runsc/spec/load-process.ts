// Reads and checks what `exec` runs: config.json's `process`, from a file of its own or from the bundle.

import { readFileSync } from 'node:fs';

import { checkShape } from './check-shape.ts';
import { ConfigError, type Warn } from './config-error.ts';
import { describeErrno, parseJson, readConfig } from './load-spec.ts';
import { checkProcess } from './rules.ts';

import type { Process, Spec } from './spec.ts';

/** The file of `exec --process`. What is wrong is said with the file's name and the field. */
export function loadProcess(path: string, warn: Warn): Process {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Error(`open ${path}: ${describeErrno(cause)}`, { cause });
  }
  const rename = (message: string): string => message.replace(/^config\.json: process\b\.?/, `${path}: `);
  try {
    return checkedProcess(parseJson(text), (message) => warn(rename(message)));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const field = error.field.replace(/^process\b\.?/, '');
    throw new Error([path, field, error.sentence].filter((part) => part !== '').join(': '), { cause: error });
  }
}

/** The process of the bundle's config.json, as it is now. */
export function loadBundleProcess(bundle: string, warn: Warn): Process {
  const config = parseJson(readConfig(bundle));
  return checkedProcess((config as Spec | null)?.process, warn);
}

function checkedProcess(process: unknown, warn: Warn): Process {
  const spec = checkShape({ process }, warn);
  if (spec.process === undefined) throw new ConfigError('process', 'must be set');
  checkProcess(spec.process, warn);
  return spec.process;
}
