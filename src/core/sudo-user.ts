/**
 * Who has made this process root by sudo; undefined for everybody else, and for root. Keys, known_hosts and configuration are
 * root's then, which they may not expect.
 */
export function sudoUser(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  userId: number | undefined = process.geteuid?.(),
): string | undefined {
  const user = environment['SUDO_USER'];
  return userId !== 0 || user === undefined || user === '' || user === 'root' ? undefined : user;
}
