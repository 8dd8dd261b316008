// A reporter that tells of a failure when it happens, and keeps count in a file: the others do so at the end, which a
// run that is cut short never sees.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

const LIMIT = 4000;
/** Read by .ci/summary.mjs. */
const COUNTS = 'coverage/so-far.json';

export default class FailuresAtOnce implements Reporter {
  readonly #counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    this.#counts[state]++;
    if (state === 'failed') tell(`${test.module.relativeModuleId}: ${test.fullName}`, errors);
  }

  onTestSuiteResult(suite: TestSuite): void {
    if (suite.errors().length > 0)
      tell(`${suite.module.relativeModuleId}: ${suite.fullName}`, suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    const errors = module.errors();
    if (errors.length > 0) tell(module.relativeModuleId, errors);
    mkdirSync(dirname(COUNTS), { recursive: true });
    writeFileSync(COUNTS, JSON.stringify(this.#counts));
  }
}

function tell(what: string, errors: readonly { message: string; stack?: string; diff?: string }[]): void {
  const texts = errors.map(({ message, stack, diff }) => [stack ?? message, diff ?? ''].join('\n'));
  console.error(`failed: ${what}\n${texts.join('\n').slice(0, LIMIT)}`);
}
