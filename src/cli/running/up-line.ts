/** What is said of a tunnel that went to the background: what it captures, where it logs, and how to end it. */
export function upInBackground(
  captured: string,
  {
    pid,
    logFile,
    name,
  }: { readonly pid: number | null; readonly logFile: string | null; readonly name: string },
): string {
  return `${captured}, process id ${pid}, log ${logFile}; stop it with: tshuttle down ${name}`;
}
