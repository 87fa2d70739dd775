/** The file that an install script, or user-data with one in it, puts at a path; as it would be there. */
export function fileInScript(printed: string, path: string): string {
  const lines = printed.split('\n');
  const start = lines.findIndex((line) => line.trim().startsWith(`put ${path} <<'`));
  if (start === -1) throw new Error(`nothing is put at ${path}`);
  const indent = lines[start]!.length - lines[start]!.trimStart().length;
  const delimiter = /<<'(\w+)'$/.exec(lines[start]!)?.[1];
  const length = lines.slice(start + 1).findIndex((line) => line.trim() === delimiter);
  return lines
    .slice(start + 1, start + 1 + length)
    .map((line) => `${line.slice(indent)}\n`)
    .join('');
}

/** The sshd_config that a Containerfile writes; as it would be in the image. */
export function configInContainerfile(printed: string): string {
  return [...printed.matchAll(/^ {6}'(.*)' \\$/gm)].map(([, line]) => `${line}\n`).join('');
}
