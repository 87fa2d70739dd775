import type { ToAbsolute } from './named-files.ts';

/** Keywords of ssh_config(5) whose values are files; each may have several. */
const FILE_KEYWORDS: ReadonlySet<string> = new Set([
  'certificatefile',
  'controlpath',
  'globalknownhostsfile',
  'identityagent',
  'identityfile',
  'pkcs11provider',
  'revokedhostkeys',
  'securitykeyprovider',
  'userknownhostsfile',
]);

/** What is no relative path: absolute, of a home, a token, a variable, or the name of a library. */
const NO_RELATIVE_PATH = /^(?:["'/~%$]|none$|SSH_AUTH_SOCK$|internal$)/;

/**
 * An option of ssh, as `-o` has it, with the files that it names made absolute: a daemon does not stay in the folder where it
 * was started. What is quoted stays as it is.
 */
export function withAbsolutePaths(option: string, toAbsolute: ToAbsolute): string {
  const [, keyword = '', between = '', value = ''] = /^([A-Za-z0-9]+)(\s*=\s*|\s+)(.*)$/s.exec(option) ?? [];
  if (!FILE_KEYWORDS.has(keyword.toLowerCase())) return option;
  const isLibrary = /provider$/i.test(keyword);
  const files = value.split(' ').map((file) => {
    const isRelative = file !== '' && !NO_RELATIVE_PATH.test(file) && !(isLibrary && !file.includes('/'));
    return isRelative ? toAbsolute(file) : file;
  });
  return `${keyword}${between}${files.join(' ')}`;
}
