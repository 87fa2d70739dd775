/** The environment of a child process: ours without our own variables, as TSHUTTLE_ARGS may hold a password. */
export function environmentForChildren(
  environment: Readonly<Record<string, string | undefined>>,
): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('TSHUTTLE_')));
}
