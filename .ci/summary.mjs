// Prints `N passed, N failed, N skipped` from vitest's JSON report; fails when anything failed or nothing ran.
import { existsSync, readFileSync } from 'node:fs';

const [, , path, soFar] = process.argv;
if (!existsSync(path)) {
  const counts = existsSync(soFar)
    ? JSON.parse(readFileSync(soFar, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0 };
  console.log('the tests did not come to their end, which counts as a failure');
  console.log(`${counts.passed} passed, ${counts.failed + 1} failed, ${counts.skipped} skipped`);
  process.exit(1);
}
const report = JSON.parse(readFileSync(path, 'utf8'));
// A file that can't even be loaded has no tests that could fail.
const broken = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
).length;
const passed = report.numPassedTests;
const failed = report.numFailedTests + broken;
const skipped = report.numPendingTests + report.numTodoTests;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
