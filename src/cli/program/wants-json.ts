/** Whether the words of a command line ask for JSON, also when nothing else of them can be understood. */
export function wantsJson(words: readonly string[]): boolean {
  const formats = words.flatMap((word, index) => {
    if (word === '--log-format') return words[index + 1] ?? [];
    return word.startsWith('--log-format=') ? word.slice('--log-format='.length) : [];
  });
  return formats.at(-1) === 'json';
}
