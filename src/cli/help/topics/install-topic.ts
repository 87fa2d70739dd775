import type { SystemWords } from '../../../core/systems/words.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

const DEBIAN_PACKAGE = [
  paragraph(
    'npm run deb makes a package for Debian 13 and Ubuntu 25.04 or later, whose own Node.js it runs with; that of Debian 12 and Ubuntu 24.04 is ' +
      'too old. It brings the manual page, completion for bash, zsh and fish, and a unit for each profile. Its helper is root’s as it is: ' +
      'members of the group tshuttle-users start tunnels without a password, and tshuttle sudoers --install grants it to one user. ' +
      'Nobody is a member at first, for it is power over everybody’s connections and queries (tshuttle help security).',
  ),
  commands(
    'npm run deb && sudo apt install ./dist/release/tshuttle_*.deb',
    'sudo usermod --append --groups tshuttle-users alice',
    'systemctl --user enable --now tshuttle@office',
  ),
  paragraph(
    'Tunnels that are up when it is upgraded go on as what they are until they are started again; when it is removed, they end. apt purge ' +
      'tshuttle takes the group away, too.',
  ),
];

/** From the first installation to the last trace. */
export const installTopic = (system: SystemWords): Topic => ({
  name: 'install',
  summary: 'installing, updating and uninstalling',
  blocks: [
    paragraph(
      'In a clone npm ci builds tshuttle, and npm link puts it on the PATH, as whoever may write to the folder that npm prefix -g names; npm ' +
        'config set prefix names another one. npm pack makes one file of it, which npm install -g installs elsewhere, with its manual page.',
    ),
    ...(system.platform === 'linux' ? DEBIAN_PACKAGE : []),
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
