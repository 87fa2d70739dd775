/** Whether a stream has colours: NO_COLOR (no-color.org) and FORCE_COLOR count where they are not empty. */
export function hasColour(
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (environment['NO_COLOR']) return false;
  return Boolean(environment['FORCE_COLOR']) || (isTerminal && environment['TERM'] !== 'dumb');
}
