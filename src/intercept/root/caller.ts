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

/** Whether a process is this user's altogether, by its /proc/PID/status: not one that became his, nor one of his that became another's. */
export function isProcessOf(userId: number, status: string): boolean {
  const userIds = /^Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/m.exec(status)?.slice(1).map(Number) ?? [];
  return userIds.length === 4 && userIds.every((id) => id === userId);
}
