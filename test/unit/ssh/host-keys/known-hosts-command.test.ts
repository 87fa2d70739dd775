import { describe, expect, test } from 'vitest';
import { parseKnownHostsCommand } from '../../../../src/ssh/host-keys/known-hosts-command.ts';

const VALUES: Readonly<Record<string, string>> = {
  '%h': 'bastion',
  '%r': '50%Hello',
  '\u0024{HOME}': '/home/me',
};
const parse = (template: string): readonly string[] =>
  parseKnownHostsCommand(template, (token) => VALUES[token] ?? token);

describe('parseKnownHostsCommand', () => {
  test.each([
    ['/bin/lookup', ['/bin/lookup']],
    ['  /bin/lookup\t-a  b ', ['/bin/lookup', '-a', 'b']],
    [`/bin/lookup "a b" 'c "d"' e" "f`, ['/bin/lookup', 'a b', 'c "d"', 'e f']],
    [`/bin/lookup "a \\" b" \\'x a\\ b \\\\ c\\d`, ['/bin/lookup', 'a " b', "'x", 'a b', '\\', 'c\\d']],
    ['/bin/%h %h \u0024{HOME}/x', ['/bin/%h', 'bastion', '/home/me/x']],
    ['/bin/lookup %H %I %t %f %K %%', ['/bin/lookup', '%H', '%I', '%t', '%f', '%K', '%%']],
    ['/bin/lookup %r', ['/bin/lookup', '50%%Hello']],
    ['/bin/lookup ""', ['/bin/lookup', '']],
  ])('%s', (template, words) => {
    expect(parse(template)).toEqual(words);
  });

  test.each([
    ['lookup', /absolute path/],
    ['~/lookup', /absolute path/],
    ['/bin/lookup "a', /quote is not closed/],
    ["/bin/lookup a'", /quote is not closed/],
  ])('%s is refused', (template, message) => {
    expect(() => parse(template)).toThrow(message);
  });
});
