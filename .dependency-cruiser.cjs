// The layer table as rules. A layer may import itself and every layer of an earlier rank: never a sibling of
// its own rank, never anything later. Types count too; only cycles made of types alone are let pass, since
// they are gone at run time.

/** Ranks from the bottom to the top; each rank lists its layers as patterns of paths. */
const ranks = [
  ['^sentry/abi/'],
  ['^sentry/base/'],
  ['^native/(?!layout/gen)'],
  ['^platform/[^/]+$', '^gofer/protocol/', '^sentry/auth/', '^sentry/time/', '^sentry/signal/'],
  ['^platform/systrap/', '^gofer/client/', '^gofer/server/', '^sentry/mm/', '^sentry/net/stack/'],
  ['^sentry/vfs/'],
  ['^sentry/fs/pseudo/', '^sentry/ipc/', '^sentry/loader/'],
  ['^sentry/kernel/'],
  ['^syscalls/table/(row|args)[.]ts$'],
  ['^sentry/fs/(?!pseudo/)[^/]+/', '^sentry/net/socket/', '^sentry/strace/'],
  ['^syscalls/(?!table/(row|args)[.]ts$)'],
  ['^runsc/spec/'],
  ['^runsc/sandbox/'],
  ['^runsc/boot/'],
  ['^runsc/container/'],
  ['^runsc/cli/'],
];

const layerRules = ranks.flatMap((layers, rank) =>
  layers.map((layer) => ({
    name: `layer ${layer.replace(/[\^\\]/g, '')}`,
    comment: 'imports point down only: see the layer table in CONTRIBUTING.md',
    severity: 'error',
    from: { path: layer },
    // An empty list would match everything: what nothing may import has at least the rule about tests.
    to: {
      path: ['^test/', ...layers.filter((sibling) => sibling !== layer), ...ranks.slice(rank + 1).flat()],
    },
  })),
);

/** One filesystem never imports another; `pseudo` is their library. */
const filesystems = {
  name: 'one filesystem never imports another',
  severity: 'error',
  from: { path: '^sentry/fs/(?!pseudo/)([^/]+)/' },
  to: { path: '^sentry/fs/', pathNot: ['^sentry/fs/pseudo/', '^sentry/fs/$1/'] },
};

module.exports = {
  forbidden: [
    ...layerRules,
    filesystems,
    {
      name: 'no circular imports',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nothing imports tests or benchmarks',
      severity: 'error',
      from: { pathNot: '^(test|perf)/' },
      to: { path: '^(test|perf)/' },
    },
    {
      name: 'every import resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '[.]node$' },
    },
    {
      // A package has no dependencies: what is used at run time is bundled, and these may be.
      name: 'only few packages in shipped code',
      severity: 'error',
      from: { path: '^(sentry|syscalls|platform|native|gofer|runsc)/' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/(@types|@particle/dbus-next|commander|ajv|esbuild)/',
      },
    },
    {
      name: 'the cli loads what starts slowly by await import()',
      severity: 'error',
      from: { path: '^runsc/cli/main[.]ts$' },
      to: {
        path: '^(runsc/(spec|sandbox|container|boot)|gofer|sentry|platform|syscalls)/',
        dependencyTypesNot: ['dynamic-import', 'type-only'],
      },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(build|dist|coverage)/' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'require', 'node', 'default'],
    },
  },
};
