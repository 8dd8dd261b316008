// `run.ts SOURCE ROOT BUNDLE ID [JSON]`: runs a container with the stand-ins, by the same code as the command line.
// SOURCE is the source tree; the JSON object holds fields of RunRequest and RuntimeOptions that differ from the
// defaults. Tests bundle it, since a start from source takes longer than the container.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { runContainer } from '../../../runsc/container/run.ts';

import type { RunRequest, RuntimeOptions } from '../../../runsc/container/container.ts';
import type { Spec } from '../../../runsc/spec/spec.ts';

const [source = '', root = '', bundle = '', id = '', changes = '{}'] = process.argv.slice(2);
const changed = JSON.parse(changes) as Partial<RunRequest & RuntimeOptions>;
const options: RuntimeOptions = {
  root,
  logFormat: 'json',
  debug: false,
  platform: 'systrap',
  network: 'none',
  overlay2: 'none',
  strace: false,
  straceSyscalls: [],
  straceFormat: 'text',
  systemdCgroup: false,
  rootless: 'auto',
  ignoreCgroups: false,
  ...changed,
};
const spec = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as Spec;
const programs = {
  launcher: join(source, 'build/Release/launcher'),
  stub: join(source, 'build/Release/stub'),
  node: process.execPath,
  sentry: [join(source, 'test/oci/fakes/sentry.cjs')],
  gofer: [join(source, 'test/oci/fakes/gofer.cjs')],
  directory: source,
  command: [],
  commandFiles: [],
  files: ['test/oci/fakes/sentry.cjs', 'test/oci/fakes/gofer.cjs'],
  // In the directory of the real ones, which would go for them.
  images: false,
};
runContainer(options, { id, bundle, spec, detach: false, preserveFds: 0, ...changed }, programs).catch(
  (error: unknown) => {
    console.error((error as Error).message);
    process.exitCode = 1;
  },
);
