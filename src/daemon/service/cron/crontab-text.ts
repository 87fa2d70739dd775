/** The end of our line in a crontab, by which we know it again. A shell takes it for a comment. */
const MARKER = '# Written by tshuttle service install';

/**
 * The line that has cron start a script at boot (crontab(5)).
 *
 * @param script absolute path
 * @returns as bytes, a character each, as crontabs are read and written
 */
export function rebootLine(script: string): string {
  // Of the shell's, cron would take a per cent sign for the end of the line.
  const word = /^[\w./@:+-]+$/.test(script)
    ? script
    : `'${script.replaceAll("'", "'\\''").replaceAll('%', '\\%')}'`;
  return Buffer.from(`@reboot /bin/sh ${word} ${MARKER}`, 'utf8').toString('latin1');
}

/**
 * A crontab with our line, in place of what was there of ours. It stands first: what the crontab sets, such as SHELL, holds for the lines
 * below alone, and a last line without an end stays one. All else stays byte for byte.
 */
export function withRebootLine(crontab: string, script: string): string {
  return `${rebootLine(script)}\n${withoutRebootLine(crontab)}`;
}

/** A crontab without what we have written, also where somebody has made a comment of it. Idempotent. */
export function withoutRebootLine(crontab: string): string {
  return linesOf(crontab)
    .filter((line) => !isOurs(line))
    .join('');
}

/** Whether cron starts something of ours. */
export function hasRebootLine(crontab: string): boolean {
  return linesOf(crontab).some((line) => isOurs(line) && line.trimStart().startsWith('@reboot'));
}

/** Each with its end. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function isOurs(line: string): boolean {
  return line.trimEnd().endsWith(MARKER);
}
