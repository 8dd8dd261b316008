// A reporter that tells of a failure when it happens: the others do so at the end, which a run that is cut short never
// sees.

import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

const LIMIT = 4000;

export default class FailuresAtOnce implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state === 'failed') tell(`${test.module.relativeModuleId}: ${test.fullName}`, errors);
  }

  onTestSuiteResult(suite: TestSuite): void {
    if (suite.errors().length > 0)
      tell(`${suite.module.relativeModuleId}: ${suite.fullName}`, suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    const errors = module.errors();
    if (errors.length > 0) tell(module.relativeModuleId, errors);
  }
}

function tell(what: string, errors: readonly { message: string; stack?: string; diff?: string }[]): void {
  const texts = errors.map(({ message, stack, diff }) => [stack ?? message, diff ?? ''].join('\n'));
  console.error(`failed: ${what}\n${texts.join('\n').slice(0, LIMIT)}`);
}
