// Bundles each entry point into dist/. Run by `npm run build`, and by `npm ci` after the native build.
import { existsSync, mkdirSync, readFileSync, writeFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const dist = join(root, 'dist');

/** One bundle per process that we start: what it runs, and where it is written. */
const entryPoints = [
  { name: 'runsc', source: 'runsc/cli/main.ts' },
  { name: 'sentry', source: 'runsc/boot/sentry-main.ts' },
  { name: 'gofer', source: 'runsc/boot/gofer-main.ts' },
];

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

mkdirSync(dist, { recursive: true });
let failed = false;
for (const entry of entryPoints) {
  const source = join(root, entry.source);
  if (!existsSync(source)) {
    console.error(`build: warning: ${entry.source} does not exist yet: dist/${entry.name}.cjs is not built`);
    rmSync(join(dist, `${entry.name}.cjs`), { force: true });
    continue;
  }
  try {
    await bundle(entry.name, source);
  } catch {
    // esbuild has printed the errors with their places.
    failed = true;
  }
}
process.exit(failed ? 1 : 0);

async function bundle(name, source) {
  const temporary = join(dist, `.${name}.${process.pid}.cjs`);
  await build({
    entryPoints: [source],
    outfile: temporary,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.20',
    minifySyntax: true,
    legalComments: 'none',
    sourcemap: false,
    // The addon is loaded at run time by its path, which is relative to the bundle.
    external: ['*.node'],
    define: { RUNSC_VERSION: JSON.stringify(version), 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    logLevel: 'warning',
  });
  renameSync(temporary, join(dist, `${name}.cjs`));
}

void writeFileSync;
