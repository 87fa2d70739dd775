import { expect, test } from 'vitest';
import { askpassProgram } from '../../../../src/cli/prompt/askpass-prompter.ts';

const PROGRAM = '/usr/bin/askpass';
const onDisplay = { SSH_ASKPASS: PROGRAM, DISPLAY: ':0' };

// What ssh 9.2 does, by readpass.c.
test.each([
  { environment: {}, hasTerminal: false, asksWith: undefined },
  { environment: { SSH_ASKPASS: '', DISPLAY: ':0' }, hasTerminal: false, asksWith: undefined },
  { environment: { SSH_ASKPASS: PROGRAM }, hasTerminal: false, asksWith: undefined },
  { environment: onDisplay, hasTerminal: false, asksWith: PROGRAM },
  { environment: onDisplay, hasTerminal: true, asksWith: undefined },
  {
    environment: { SSH_ASKPASS: PROGRAM, WAYLAND_DISPLAY: 'wayland-0' },
    hasTerminal: false,
    asksWith: PROGRAM,
  },
  { environment: { ...onDisplay, SSH_ASKPASS_REQUIRE: 'prefer' }, hasTerminal: true, asksWith: PROGRAM },
  {
    environment: { SSH_ASKPASS: PROGRAM, SSH_ASKPASS_REQUIRE: 'prefer' },
    hasTerminal: false,
    asksWith: undefined,
  },
  {
    environment: { SSH_ASKPASS: PROGRAM, SSH_ASKPASS_REQUIRE: 'FORCE' },
    hasTerminal: true,
    asksWith: PROGRAM,
  },
  { environment: { ...onDisplay, SSH_ASKPASS_REQUIRE: 'never' }, hasTerminal: false, asksWith: undefined },
])('$environment, terminal $hasTerminal: $asksWith', ({ environment, hasTerminal, asksWith }) => {
  expect(askpassProgram(environment, hasTerminal)).toBe(asksWith);
});
