/** Of no user. */
const NOBODYS_ID = -1;

/**
 * On whose behalf this process runs. sudo sets SUDO_UID itself, whatever was there before (native-notes/sudo-helper.md); without
 * sudo we are who called us. Noted at the start, before the environment is emptied.
 */
export const CALLER_ID: number = callerIdOf(process.env['SUDO_UID'], process.getuid?.());

/** @param sudoUserId what SUDO_UID says */
export function callerIdOf(sudoUserId: string | undefined, userId: number | undefined): number {
  return /^\d{1,10}$/.test(sudoUserId ?? '') ? Number(sudoUserId) : (userId ?? NOBODYS_ID);
}

/** Whether somebody who is not root has had this process made root. */
export function isForSomebodyElse(): boolean {
  return CALLER_ID !== (process.getuid?.() ?? NOBODYS_ID);
}
