import { beforeAll, expect, test } from 'vitest';
import { assembleNames } from '../../../../src/ssh/config/algorithm-lists.ts';
import { mustRun } from '../../../support/process/child.ts';

// Read as ssh itself reads them: with its own default and all that it has, the same list comes out.

const KEYWORDS = [
  { keyword: 'KexAlgorithms', query: 'kex', names: ['curve25519-sha256', 'diffie-hellman-group14-sha1'] },
  { keyword: 'Ciphers', query: 'cipher', names: ['aes256-ctr', '3des-cbc'] },
  { keyword: 'MACs', query: 'mac', names: ['hmac-sha2-512', 'hmac-md5'] },
  { keyword: 'HostKeyAlgorithms', query: 'HostKeyAlgorithms', names: ['rsa-sha2-512', 'ssh-ed25519'] },
];

let byDefault: string;

beforeAll(async () => {
  byDefault = await mustRun(['ssh', '-F', 'none', '-G', 'localhost']);
});

const listOf = (output: string, keyword: string): string[] =>
  new RegExp(`^${keyword} (.*)$`, 'im').exec(output)?.[1]?.split(',') ?? [];

/** Patterns ssh takes after a minus, and of host keys everywhere; else it refuses them, as it does here, where it is asked first. */
const takesPatterns = (keyword: string, sign: string): boolean =>
  sign === '-' || keyword === 'HostKeyAlgorithms';

test.each(
  KEYWORDS.flatMap(({ keyword, query, names }) =>
    ['', '+', '-', '^'].flatMap((sign) => [
      { keyword, query, sign, list: names.join(',') },
      { keyword, query, sign, list: names[1] ?? '' },
      ...(takesPatterns(keyword, sign)
        ? [`*sha2*,${names[0]}`, sign === '-' ? '*-?es*,*25519*' : '*25519*'].map((list) => ({
            keyword,
            query,
            sign,
            list,
          }))
        : []),
    ]),
  ),
)('$keyword: $sign and $list', async ({ keyword, query, sign, list }) => {
  const all = (await mustRun(['ssh', '-Q', query])).trim().split('\n');
  const ours = assembleNames(sign, list.split(','), listOf(byDefault, keyword), all);
  const option = `${keyword}=${sign}${list}`;
  const command = ['ssh', '-F', 'none', '-o', option, '-G', 'localhost'];
  // ssh refuses an empty list, and takes it for none.
  if (ours.length === 0) await expect(mustRun(command)).rejects.toThrow();
  else expect(ours).toEqual(listOf(await mustRun(command), keyword));
});
