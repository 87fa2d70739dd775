import { isIP } from 'node:net';

/** The longest name as text, with the dot that may end it (RFC 1035 section 2.3.4). */
const MAX_NAME_CHARACTERS = 254;

/** Whether text from a client may go to the bastion, and into a log, as a host: a literal address or the characters of names. */
export function isHostName(text: string): boolean {
  if (text.length > MAX_NAME_CHARACTERS) return false;
  return /^[a-z0-9_.-]+$/i.test(text) ? !/^\.|\.\./.test(text) : isIP(text) !== 0 && !text.includes('%');
}
