import { describe, expect, it } from 'vitest';
import { onOneLine } from '../../../../src/intercept/root/nft/nft-interactive-executor.ts';

describe('onOneLine', () => {
  it('separates statements and leaves open braces and lists alone', () => {
    const text =
      'delete table inet a\ntable inet a {\n  flags owner\n  set b {\n    elements = {\n      1,\n      2,\n    }\n  }\n}\n';
    expect(onOneLine(text)).toBe(
      'delete table inet a; table inet a { flags owner; set b { elements = { 1, 2, }; }; };',
    );
  });
});
