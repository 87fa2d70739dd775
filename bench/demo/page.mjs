// How the demo looks: a page that is read from top to bottom.
const colours = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const paint = (code) => (text) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
export const bold = paint('1');
export const dim = paint('2');
export const green = paint('32');

/** @param {string} text */
export function say(text = '') {
  console.log(text);
}

/**
 * @param {number} number
 * @param {string} title
 */
export function chapter(number, title) {
  say();
  say(bold(`${number}  ${title}`));
}

/**
 * A command as a user would type it, and what came of it.
 *
 * @param {string} line
 * @param {string} [outcome]
 */
export function command(line, outcome) {
  say(`   ${dim('$')} ${outcome === undefined ? line : `${line.padEnd(30)} ${outcome}`}`);
}

/** @param {string} text */
export function note(text) {
  say(`     ${text}`);
}

/** Who is who. */
export function drawMachines() {
  say(bold('tshuttle, on three machines made of network namespaces'));
  say();
  say('   you                       bastion                     database');
  say('   ┌──────────────┐          ┌──────────────┐            ┌───────────────────┐');
  say('   │ 198.51.100.2 ├──────────┤ 198.51.100.1 │            │                   │');
  say('   │              │          │    10.77.0.1 ├────────────┤ 10.77.0.2 fd77::2 │');
  say('   └──────────────┘          └──────────────┘            └───────────────────┘');
  say('                             an ssh server: no shell,    a web server');
  say('                             forwards no packets');
}
