import { isAllJson } from '../../app/log/log-format.ts';

/** Whether the words of a command line ask for {@link isAllJson}, also when nothing else of them can be understood. */
export function wantsJson(words: readonly string[], onTerminal?: boolean): boolean {
  const end = words.indexOf('--');
  const read = end < 0 ? words : words.slice(0, end);
  const formats = read.flatMap((word, index) => {
    if (word === '--log-format') return read[index + 1] ?? [];
    return word.startsWith('--log-format=') ? word.slice('--log-format='.length) : [];
  });
  const format = formats.at(-1);
  const isVerbose = read.some((word) => /^(?:-D?v+|--verbose)$/.test(word));
  return isAllJson(format === 'json' || format === 'text' ? format : 'auto', isVerbose ? 1 : 0, onTerminal);
}
