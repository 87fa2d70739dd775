/** ECMA-48 and xterm: another screen without a cursor, which leaves the user's own as it is; then that one again. */
export const OPEN_SCREEN = '\x1b[?1049h\x1b[?25l';
export const CLOSE_SCREEN = '\x1b[?25h\x1b[?1049l';

/** From the top, each line over the one before and the rest of the screen cleared, so that nothing flickers. */
export function redrawn(lines: readonly string[]): string {
  return `\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`;
}
