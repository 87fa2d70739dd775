import { expect, test } from 'vitest';
import { LineEditor } from '../../../../src/cli/prompt/line-editor.ts';

test.each<[string, readonly string[], object]>([
  ['a line', ['secret\r'], { kind: 'line', text: 'secret', echo: 'secret' }],
  ['a line in pieces', ['se', 'cret', '\n'], { kind: 'line', text: 'secret', echo: '' }],
  ['backspace', ['ax\u007fb\r'], { kind: 'line', text: 'ab', echo: 'ax\b \bb' }],
  ['backspace at the start', ['\u007fa\r'], { kind: 'line', text: 'a', echo: 'a' }],
  ['Ctrl-U', ['wrong\u0015right\r'], { kind: 'line', text: 'right' }],
  ['Ctrl-W', ['one two\u0017three\r'], { kind: 'line', text: 'one three' }],
  ['an arrow key', ['a\u001b[Db\u001bOPc\r'], { kind: 'line', text: 'abc' }],
  [
    'characters beyond the basic plane',
    ['p\u{1f511}\u007f\u{1f512}\r'],
    { kind: 'line', text: 'p\u{1f512}' },
  ],
  ['Ctrl-C', ['se\u0003'], { kind: 'interrupted', echo: 'se^C' }],
  ['Ctrl-D on an empty line', ['\u0004'], { kind: 'end', echo: '' }],
  ['Ctrl-D after text', ['a\u0004\r'], { kind: 'line', text: 'a' }],
  ['an unfinished line', ['abc'], { kind: 'more', echo: 'abc' }],
])('%s', (_name, pieces, expected) => {
  const editor = new LineEditor();
  expect(pieces.map((piece) => editor.type(piece)).at(-1)).toMatchObject(expected);
});

test('a line is bounded', () => {
  const editor = new LineEditor();
  editor.type('x'.repeat(10_000));
  expect(editor.type('\r')).toMatchObject({ kind: 'line', text: 'x'.repeat(4_096) });
});
