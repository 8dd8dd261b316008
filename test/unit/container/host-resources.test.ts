import { expect, test } from 'vitest';
import { stubOomScore } from '../../../runsc/sandbox/host-resources.ts';

const GIB = 2 ** 30;

// proc(5), oom_score_adj: in thousandths of the memory that there is.
test.each([
  ['a small limit', 64 << 20, 0, 1000],
  ['a gibibyte', GIB, 0, 196],
  ['a large machine', 64 * GIB, 0, 4],
  ['a container that is to go first', GIB, 900, 1000],
  ['a container that asks for less', GIB, 300, 496],
  ['a container that is to stay: its guests still go before its kernel', GIB, -998, 196],
])('guests outweigh the programs around them: %s', (_name, memoryBytes, adjust, score) => {
  expect(stubOomScore(memoryBytes, adjust)).toBe(score);
});
