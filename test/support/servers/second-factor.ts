import { createHmac } from 'node:crypto';
import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import { BASTION_USER } from '../lab/machine.ts';

/** The secret of RFC 6238 appendix B, and the same in base32. */
const SECRET = '12345678901234567890';
const SECRET_BASE32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const STEP_S = 30;

/** sshd lines for a bastion that wants a key and then a code of libpam-google-authenticator. */
export const KEY_AND_CODE = [
  'UsePAM yes',
  'KbdInteractiveAuthentication yes',
  'AuthenticationMethods publickey,keyboard-interactive',
];

/** Gives the bastion's user the second factor; each code counts once. */
export async function enrol(lab: Lab): Promise<void> {
  const file = join(lab.sshd.machine.homeOf(BASTION_USER.name), '.google_authenticator');
  await writeFile(file, secretFile(), { mode: 0o400 });
  await chown(file, BASTION_USER.id, BASTION_USER.id);
}

/** What libpam-google-authenticator keeps of a user whose codes these are. */
export function secretFile(): string {
  const lines = [SECRET_BASE32, '" RATE_LIMIT 3 30', '" WINDOW_SIZE 3', '" DISALLOW_REUSE', '" TOTP_AUTH'];
  return `${lines.join('\n')}\n`;
}

/** The code of this moment (RFC 6238). */
export function codeNow(): string {
  return codeOf(currentStep());
}

/** One that the bastion takes, too, and that was not the code of any moment before: that of the next 30 s. */
export function nextCode(): string {
  return codeOf(currentStep() + 1);
}

/** One whose time is over, as that of a clock that is ten minutes late. */
export function expiredCode(): string {
  return codeOf(currentStep() - 20);
}

function currentStep(): number {
  return Math.floor(Date.now() / 1000 / STEP_S);
}

function codeOf(step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', SECRET).update(counter).digest();
  const offset = (digest.at(-1) ?? 0) & 0xf;
  return String((digest.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).padStart(6, '0');
}
