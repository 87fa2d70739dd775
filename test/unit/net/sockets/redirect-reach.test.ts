import { expect, it } from 'vitest';
import { redirectReach } from '../../../../src/net/sockets/redirect-reach.ts';

it.each([
  ['432000\n', 60, 30],
  ['', 60, 30],
  ['0\n', 60, 30],
  ['120\n', 40, 45],
  ['30\n', 10, 127],
  ['2\n', 1, 127],
])('a tracker that forgets after %j: asked every %i s, %i times', (text, quietSeconds, maxUnanswered) => {
  expect(redirectReach(() => text)).toMatchObject({ quietSeconds, maxUnanswered });
});
