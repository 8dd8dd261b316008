/** Who is told what the host announces of descriptors. */
import { expect, it } from 'vitest';
import { Tokens } from '../../../platform/systrap/tokens.ts';

it('never tells a newcomer what was announced for somebody who is gone', () => {
  const tokens = new Tokens();
  const told: string[] = [];
  const gone = tokens.add((mask) => told.push(`gone ${mask}`));
  tokens.drop(gone);
  const newcomer = tokens.add((mask) => told.push(`newcomer ${mask}`));
  tokens.tell(gone, 1);
  tokens.tell(newcomer, 2);
  expect(told).toEqual(['newcomer 2']);
});

it('uses numbers again once everything has been told', () => {
  const tokens = new Tokens();
  const first = tokens.add(() => undefined);
  tokens.drop(first);
  tokens.allTold();
  const numbers = Array.from({ length: 1000 }, () => {
    const token = tokens.add(() => undefined);
    tokens.drop(token);
    tokens.allTold();
    return token;
  });
  expect(new Set(numbers)).toEqual(new Set([first]));
});
