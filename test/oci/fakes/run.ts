// `run.ts ROOT BUNDLE ID [JSON]`: runs a container with the stand-ins, by the same code as the command line.
// The JSON object holds fields of RunRequest and RuntimeOptions that differ from the defaults.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { runContainer } from '../../../runsc/container/container.ts';

import type { RunRequest, RuntimeOptions } from '../../../runsc/container/container.ts';
import type { Spec } from '../../../runsc/spec/spec.ts';

const [root = '', bundle = '', id = '', changes = '{}'] = process.argv.slice(2);
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
  ignoreCgroups: false,
  ...changed,
};
const spec = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as Spec;
const here = import.meta.dirname;
const build = resolve(here, '../../../build/Release');
try {
  await runContainer(
    options,
    { id, bundle, spec, detach: false, preserveFds: 0, ...changed },
    {
      launcher: join(build, 'launcher'),
      stub: join(build, 'stub'),
      node: process.execPath,
      sentry: [join(here, 'sentry.cjs')],
      gofer: [join(here, 'gofer.cjs')],
    },
  );
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
