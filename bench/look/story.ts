import type { Lab } from '../../test/support/lab/lab.ts';
import { Recording } from './recording.ts';
import { TERMINALS } from './screen.ts';
import { openTerminal, setStage } from './stage.ts';

/** Something that somebody does in a terminal, and what must come of it. */
interface Scene {
  /** An index of {@link TERMINALS}. */
  readonly terminal: number;
  readonly caption: string;
  readonly does: { readonly types: string } | { readonly presses: string };
  /** What appears, in this order; the same at each performance. */
  readonly shows: readonly RegExp[];
  /** To read it. */
  readonly holdMs: number;
  /** What it shows before the last of all is shown where nothing moves. */
  readonly isStill?: true;
}

const PROMPT = /\n\$ ?\s*$/;

const SCENES: readonly Scene[] = [
  {
    terminal: 1,
    caption: '10.0.0.8 is on a network that only the bastion can reach',
    does: { types: 'curl -m 2 http://10.0.0.8' },
    shows: [/Connection timed out/, PROMPT],
    holdMs: 800,
  },
  {
    terminal: 0,
    caption: 'One ssh connection; nothing is installed on the bastion',
    does: { types: 'tshuttle -r me@bastion 10.0.0.0/24' },
    shows: [/^tshuttle: capturing 10\.0\.0\.0\/24 through me@bastion \(198\.51\.100\.1:22\), by nft/m],
    holdMs: 900,
  },
  {
    terminal: 1,
    caption: 'Now every program reaches it, as it is',
    does: { types: 'curl http://10.0.0.8' },
    shows: [/^Hello 10\.0\.0\.1, this is the database\.$/m, PROMPT],
    holdMs: 900,
  },
  {
    terminal: 1,
    caption: 'Now every program reaches it, as it is',
    does: { types: 'curl -sO http://10.0.0.8/large &' },
    shows: [/^\[1\]/m, PROMPT],
    holdMs: 100,
  },
  {
    terminal: 1,
    caption: 'See what goes through it, live',
    does: { types: 'tshuttle top' },
    shows: [/me@bastion {2}up(?= \d)/, /10\.0\.0\.8:80 +curl(?= \d)/, /^0 open, /m],
    holdMs: 0,
    isStill: true,
  },
  {
    terminal: 1,
    caption: 'See what goes through it, live',
    does: { presses: 'q' },
    shows: [/\[1\]\+ +Done/, PROMPT],
    holdMs: 0,
  },
  {
    terminal: 0,
    caption: 'Ctrl-C, and nothing stays behind',
    does: { presses: 'C-c' },
    shows: [/\^C\$/],
    holdMs: 300,
  },
  {
    terminal: 1,
    caption: 'Ctrl-C, and nothing stays behind',
    does: { types: 'sudo nft list ruleset' },
    shows: [/(?<=ruleset)\n\$\s*$/],
    holdMs: 1_600,
  },
];

/** What was recorded, and what of it is the same each time, as a line for each thing that was done and shown. */
export interface Performance {
  readonly recording: Recording;
  /** When most of it is to be seen. */
  readonly stillMs: number;
  readonly transcript: readonly string[];
}

/**
 * Plays the story in a lab, in real terminals with the real tshuttle.
 *
 * @throws Error when something does not show what it must.
 */
export async function playStory(lab: Lab): Promise<Performance> {
  await setStage(lab);
  const [first, second] = TERMINALS;
  await using upper = await openTerminal(lab, 'upper', first.rows);
  await using lower = await openTerminal(lab, 'lower', second.rows);
  const recording = new Recording([upper, lower]);
  const transcript: string[] = [];
  let stillMs = 0;
  for (const { terminal, caption, does, shows, holdMs, isStill } of SCENES) {
    await recording.turnTo(terminal, caption);
    if ('types' in does) {
      transcript.push(`$ ${does.types}`);
      recording.hold(300);
      await recording.type(does.types);
    } else await recording.press(does.presses);
    for (const pattern of shows) transcript.push((await recording.until(pattern)).trim());
    if (isStill) stillMs = recording.frames.at(-2)!.atMs;
    recording.hold(holdMs);
  }
  return { recording, stillMs, transcript: transcript.filter((line) => line !== '' && line !== '$') };
}
