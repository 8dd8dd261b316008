// How the tests run: one process per file, since many of them start real sandboxes.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: 'test/support/shared-trees.ts',
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters:
      process.env['CI'] === undefined
        ? ['default']
        : ['default', './test/support/failures-at-once.ts', 'json'],
    outputFile: { json: 'coverage/results.json' },
  },
});
