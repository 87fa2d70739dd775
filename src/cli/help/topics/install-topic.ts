import type { SystemWords } from '../../../core/systems/words.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** From the first installation to the last trace. */
export const installTopic = (system: SystemWords): Topic => ({
  name: 'install',
  summary: 'installing, updating and uninstalling',
  blocks: [
    paragraph(
      'In a clone npm ci builds tshuttle, and npm link puts it on the PATH, as whoever may write to the folder that npm prefix -g names; npm ' +
        'config set prefix names another one. npm pack makes one file of it, which npm install -g installs elsewhere, with its manual page.',
    ),
    paragraph(
      'To update, build the new version, and start tunnels that are up again: until then they are the old one.',
    ),
    commands(
      'git pull && npm ci',
      'tshuttle restart office',
      ...(system.redirector === undefined ? [] : ['tshuttle sudoers --install']),
    ),
    ...(system.redirector === undefined
      ? []
      : [
          paragraph('The last line is for those who had it before: a helper of another version is not used.'),
        ]),
    paragraph('To uninstall, take back what was installed, and then the program itself:'),
    commands(
      'tshuttle down --all',
      ...(system.serviceManager === undefined ? [] : ['tshuttle service uninstall']),
      ...(system.redirector === undefined ? [] : ['tshuttle sudoers --uninstall', 'tshuttle cleanup']),
      'npm uninstall -g tshuttle',
    ),
    list(
      ['your profiles', `stay in ${system.profileFile}`],
      ['logs', `stay in ${system.stateFolder}`],
      [
        'whoever publishes a package of it',
        'fills in repository, bugs and homepage in package.json, which have addresses below example.com until then',
      ],
    ),
  ],
});
