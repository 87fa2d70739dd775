import { defineCommand } from '../command-definition.ts';

/** `tshuttle complete -- WORD...`: what the shells' scripts call; not for people. */
export const completeCommand = defineCommand<readonly string[]>({
  name: 'complete',
  describe: (command, choose) => {
    command.argument('[WORD...]').action((words: string[]) => choose(words));
  },
  run: async (words, { process, describeProgram }) => {
    const { completionTree } = await import('../completion/completion-tree.ts');
    const { filesLike, sshHosts } = await import('../completion/known-words.ts');
    const { profileNames } = await import('../../config/profiles/load-profiles.ts');
    const { profileSurroundingsOf } = await import('../profile-surroundings.ts');
    const tree = completionTree(await describeProgram(), {
      hosts: () => sshHosts(),
      profiles: () => profileNames(profileSurroundingsOf(process.environment)),
      files: () => filesLike(words.at(-1) ?? ''),
    });
    tree.parse([...words]);
    return 0;
  },
});
