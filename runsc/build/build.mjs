// Bundles each entry point into dist/, with a V8 code cache beside it. Run by `npm run build`, and by `npm ci`
// after the native build.
//
// dist/NAME.cjs is a small loader, NAME.bundle.cjs the program, NAME.cache what V8 compiled of it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { programs, writeCaches, writeNodePath } from './machine-files.mjs';
import { writeValidator } from './validator.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const dist = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * None of them gets flags for V8 on its command line: any such flag makes V8 refuse the code caches of Node's own
 * modules too, which costs 6 ms (26 -> 32 ms for a command).
 */
const sources = {
  runsc: 'runsc/cli/main.ts',
  sentry: 'runsc/boot/sentry-main.ts',
  gofer: 'runsc/boot/gofer-main.ts',
};

/**
 * Parts of Node that take long to load, for what needs little of them, or seldom: loaded when that is called.
 * node:net brings all of Node's streams; node:module its loader, and a bundle has a `require` already.
 */
const lazyModules = {
  // commander can start subcommands that are programs of their own, which ours are not.
  'node:child_process': {
    importer: /\/commander\//,
    contents: "exports.spawn = (...args) => require('node:child_process').spawn(...args);",
  },
  'node:net': {
    importer: /\/network-rules\.ts$/,
    contents: "exports.isIP = (text) => require('node:net').isIP(text);",
  },
  'node:module': { importer: /\/native\/addon\.ts$/, contents: 'exports.createRequire = () => require;' },
};

/** @type {import('esbuild').Plugin} */
const lazy = {
  name: 'lazy',
  setup(build) {
    build.onResolve({ filter: /^node:(child_process|net|module)$/ }, ({ path, importer }) =>
      lazyModules[path].importer.test(importer) ? { path, namespace: 'lazy' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: lazyModules[path].contents,
    }));
  },
};

/** What few commands need and would make all of them slower to start is a file of its own. */
const apart = {
  name: 'apart',
  setup(build) {
    build.onResolve({ filter: /\/(systemd|image-maker)\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${basename(path, '.ts')}.cjs`, external: true } : undefined,
    );
  },
};

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.20',
  charset: 'ascii',
  // Puts constants in place of their names; the rest stays readable for stack traces.
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  // The addon is loaded at run time, by a path relative to the bundle. x11 is one of the D-Bus library's ways to find a
  // session bus, which nobody takes.
  external: ['*.node', 'x11'],
  // The loader compiles the program by itself, where there is no import().
  supported: { 'dynamic-import': false },
  plugins: [lazy, apart],
  define: { RUNSC_VERSION: JSON.stringify(version), 'import.meta.url': 'bundleUrl' },
  // pathToFileURL(), whose first use takes half a millisecond.
  banner: {
    js: "const bundleUrl = 'file://' + encodeURI(__filename).replace(/[?#]/g, encodeURIComponent);",
  },
};

mkdirSync(dist, { recursive: true });
writeValidator();
writeNodePath(dist);
const only = process.argv.slice(2);
let failed = false;
for (const name of programs) {
  if (only.length > 0 && !only.includes(name)) continue;
  try {
    await bundle(name);
  } catch (error) {
    // esbuild has printed its errors with their places.
    if (error.errors === undefined) console.error(`build: ${name}: ${error.message}`);
    failed = true;
  }
}
for (const name of ['systemd', 'image-maker']) {
  if (only.length > 0 && !only.includes(name)) continue;
  await build({ ...common, entryPoints: [`runsc/sandbox/${name}.ts`], outfile: join(dist, `${name}.cjs`) });
}
if (!failed && programs.every((name) => existsSync(join(dist, `${name}.cjs`)))) writeCaches(root);
if (only.length === 0 || only.includes('syscalls')) failed = !(await writeSyscallTable()) || failed;
process.exit(failed ? 1 : 0);

async function bundle(name) {
  const target = join(dist, `${name}.bundle.cjs`);
  const temporary = join(dist, `.${name}.${process.pid}`);
  await build({ ...common, entryPoints: [sources[name]], outfile: temporary });
  // A whole expression, so that the loader need not copy it to make one.
  const code = readFileSync(temporary, 'latin1');
  writeFileSync(temporary, `(function (require, __filename, __dirname) {${code}\n})`, 'latin1');
  // Containers that run have the old file mapped: it is replaced, never written to.
  renameSync(temporary, target);
  rmSync(join(dist, `${name}.cache`), { force: true });
  writeFileSync(join(dist, `${name}.cjs`), readFileSync(join(root, 'runsc/build/loader.cjs')));
}

/** dist/syscalls.json, for `runsc syscalls`: the rows are read by running the module that holds them. */
async function writeSyscallTable() {
  if (!existsSync(join(root, 'syscalls/table/index.ts'))) {
    console.error(
      'build: warning: syscalls/table/index.ts does not exist yet: dist/syscalls.json is not built',
    );
    return true;
  }
  const program = join(dist, `.syscalls.${process.pid}.cjs`);
  const contents = `import { rows } from './syscalls/table/index.ts';
    const support = rows.map(({ number, name, support, note }) => ({ number, name, support, note }));
    require('node:fs').writeFileSync(process.argv[2], JSON.stringify(support));`;
  try {
    await build({ ...common, stdin: { contents, resolveDir: root, loader: 'ts' }, outfile: program });
    const target = join(dist, 'syscalls.json');
    const result = spawnSync(process.execPath, [program, target], { encoding: 'utf8' });
    if (result.status !== 0) console.error(`build: dist/syscalls.json: ${result.stderr}`);
    return result.status === 0;
  } catch (error) {
    if (error.errors === undefined) throw error;
    return false;
  } finally {
    rmSync(program, { force: true });
  }
}
