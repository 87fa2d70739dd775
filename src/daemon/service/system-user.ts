import { runTool } from './systemctl.ts';
import { SYSTEM_USER } from './units.ts';

/** Whether the machine has the user that its units run as. */
export async function hasSystemUser(): Promise<boolean> {
  return (await runTool('getent', ['passwd', SYSTEM_USER])).status === 0;
}

/** Removes that user. Idempotent. */
export async function removeSystemUser(): Promise<void> {
  if (await hasSystemUser()) await runTool('userdel', [SYSTEM_USER]);
}
