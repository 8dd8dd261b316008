// Where the files of this package are: beside the bundle, or in the source tree when run from source.

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is started in a sandbox. Tests put programs of their own here. */
export interface SandboxPrograms {
  /** The native launcher. */
  readonly launcher: string;
  readonly stub: string;
  readonly node: string;
  /** Arguments of node. */
  readonly sentry: readonly string[];
  readonly gofer: readonly string[];
  readonly command: readonly string[];
  /** The source tree, and the files in it that both programs read, relative to it; some may be missing. */
  readonly directory: string;
  readonly files: readonly string[];
  /** As absolute paths: what the command line is read from. */
  readonly commandFiles: readonly string[];
  /** False: there are none of these, and they are not made (images.ts). */
  readonly images: boolean;
}

const ADDON = 'build/Release/runsc_addon.node';

/** Throws when the native parts or the bundles are not built. */
export function installedPrograms(): SandboxPrograms {
  const root = packageRoot();
  const programs: SandboxPrograms = {
    launcher: join(root, 'build/Release/launcher'),
    stub: join(root, 'build/Release/stub'),
    node: process.execPath,
    sentry: [join(root, 'dist/sentry.cjs')],
    gofer: [join(root, 'dist/gofer.cjs')],
    command: [join(root, 'dist/runsc.cjs')],
    directory: root,
    files: [...['sentry', 'gofer'].flatMap(bundleFiles), ADDON],
    commandFiles: [...bundleFiles('runsc'), ADDON].map((name) => join(root, name)),
    images: true,
  };
  for (const path of [programs.launcher, programs.stub, programs.sentry[0]!, programs.gofer[0]!]) {
    if (!existsSync(path))
      throw new Error(`not built: ${path} is missing; run 'npm ci' in the source directory`);
  }
  return programs;
}

/** What runsc/build writes for one entry point. */
function bundleFiles(name: string): string[] {
  return ['cjs', 'bundle.cjs', 'cache'].map((extension) => `dist/${name}.${extension}`);
}

/** The directory of package.json: where the executable, the bundles and the native parts are. */
export function packageRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  // dist/ is one level deep, runsc/sandbox/ two.
  const root = ['..', '../..']
    .map((up) => resolve(here, up))
    .find((path) => existsSync(join(path, 'package.json')));
  if (root === undefined) throw new Error(`no package.json above ${here}`);
  return root;
}
