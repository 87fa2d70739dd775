/** What other programs, and people, call a command of ours. */
export const OTHER_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    version: '--version',
    ...{ start: 'up', connect: 'up', open: 'up', on: 'up' },
    ...{
      stop: 'down',
      disconnect: 'down',
      close: 'down',
      kill: 'down',
      off: 'down',
      quit: 'down',
      exit: 'down',
    },
    ...{ ls: 'list', profiles: 'list', profile: 'list', log: 'logs' },
    ...{ ps: 'status', info: 'status', state: 'status' },
    ...{ monitor: 'top', watch: 'top', stats: 'top' },
    ...{ diagnose: 'doctor', debug: 'doctor', test: 'doctor', check: 'doctor' },
    ...{ why: 'explain', route: 'explain' },
    ...{ exec: 'run' },
    ...{ clean: 'cleanup', flush: 'cleanup' },
    ...{ sudo: 'sudoers', enable: 'service install', disable: 'service uninstall' },
    ...{ edit: 'config edit', save: 'config add', validate: 'config check', schema: 'config schema' },
    ...{ manual: 'man', usage: 'help', topics: 'help' },
  }),
);

/** The same of a word behind `config`, `gate` and their like: those that the group has are tried in this order. */
export const OTHER_NAMES_IN_GROUPS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    ...{ validate: ['check', 'audit'], verify: ['check', 'audit'], test: ['check', 'audit'] },
    ...{ ls: ['list', 'status', 'show'], list: ['show', 'status'], status: ['list', 'check'] },
    ...{ rm: ['remove', 'uninstall'], delete: ['remove', 'uninstall'], del: ['remove', 'uninstall'] },
    ...{ new: ['add', 'create', 'init', 'install'], create: ['add', 'init'], save: ['add'] },
    ...{ set: ['edit', 'add'], change: ['set', 'edit'], modify: ['set', 'edit'] },
    ...{ cat: ['show'], get: ['show'], print: ['show', 'list'], view: ['show', 'list'] },
    ...{ enable: ['install'], disable: ['uninstall'], start: ['install'], stop: ['uninstall'] },
  }),
);
