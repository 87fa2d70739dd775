import { defineCommand } from '../../command/command-definition.ts';

/** The words of a command line, the last of which is being typed; or the line up to the cursor, as bash has it. */
interface CompleteInput {
  readonly words: readonly string[];
  readonly line: string | undefined;
  /** The characters at which bash breaks words. */
  readonly breaks: string;
}

/** `tshuttle complete -- WORD...`, `tshuttle complete --line LINE`: what the shells' scripts call; not for people. */
export const completeCommand = defineCommand<CompleteInput>({
  name: 'complete',
  describe: (command, choose) => {
    command
      .argument('[WORD...]')
      .option('--line <LINE>')
      .option('--breaks <CHARACTERS>')
      .action((words: string[], { line, breaks = '' }: { line?: string; breaks?: string }) =>
        choose({ words, line, breaks }),
      );
  },
  run: async (input, { process, describeProgram, tunnelCommands, print }) => {
    const { keptByBash, wordsBeforeCursor } = await import('./command-line.ts');
    const words = input.line === undefined ? input.words : wordsBeforeCursor(input.line)?.slice(1);
    if (words === undefined) return 0;
    const { completionsFor } = await import('./completions.ts');
    const { sshHosts } = await import('./known-words.ts');
    const { topicsOn } = await import('../../help/topics.ts');
    const { errorTopics } = await import('../../help/error-pages.ts');
    const { profileNames } = await import('../../../config/profiles/load-profiles.ts');
    const { profileSurroundingsOf } = await import('../../../app/running-tunnels/profile-surroundings.ts');
    const completions = completionsFor(await describeProgram(), words, {
      hosts: () => sshHosts(),
      profiles: () => profileNames(profileSurroundingsOf(process.environment)),
      topics: () => [...topicsOn(), ...errorTopics()].map(({ name }) => name),
      tunnelCommands: await tunnelCommands(),
    });
    const kept = keptByBash(words.at(-1) ?? '', input.breaks);
    print(`${completions.kind}\n`);
    if (completions.kind === 'files') return 0;
    for (const { word, description } of completions.candidates) {
      print(`${word.slice(kept)}\t${description.split('\n', 1)[0]}\n`);
    }
    return 0;
  },
});
