/**
 * How people do things on one system: the only place for commands, paths and names that hold on one system and not on another, so that
 * nobody is told to do what does not work there. `test/unit/system-words.test.ts` holds all other files, and all pages, to that.
 */
export interface SystemWords {
  readonly platform: NodeJS.Platform;
  /** What people call it. */
  readonly name: string;
  /** What a user without root, and without sudo, can use: half a sentence. */
  readonly withoutRoot: string;
  /** What redirects connections there, for people; undefined where nothing does. */
  readonly redirector: string | undefined;
  /** The command that installs a package. */
  readonly install: (packageName: string) => string;
  /** Has packages leave the machine in smaller pieces, where those of full size are lost. */
  readonly lowerMtu: string;
  /** Where a process gets its limit of open files from. */
  readonly moreDescriptors: string;
  /** The same for a process that runs; undefined where nothing changes it. */
  readonly moreDescriptorsOf: ((pid: number) => string) | undefined;
  /** Where programs read which resolvers and search domains there are. */
  readonly resolverSettings: string;
  /** For a sentence about queries: which resolvers of this machine itself they may go to, as well. */
  readonly localResolvers: string;
  /** Looks a name up as programs do. */
  readonly lookUpName: string;
  /** Which process has a file, or a socket, open. */
  readonly whoHasOpen: (path: string) => string;
  /** Which processes listen on which ports. */
  readonly whoListens: string;
  /** Sets the clock by the network. */
  readonly setClock: string;
  /** Where logs and process ids are. */
  readonly stateFolder: string;
  /** The variable that names the folder above it. */
  readonly stateVariable: string;
  /** The variable that names where what lasts for a session belongs, sockets above all. */
  readonly sessionVariable: string;
  /** The variable that names where temporary files belong. */
  readonly temporaryVariable: string;
  /** Where the user's profiles are. */
  readonly profileFile: string;
  /** Shows what a file gets, as it comes. */
  readonly followFile: (path: string) => string;
  /** Shows who may do what with a file. */
  readonly showRights: (path: string) => string;
  /** Reads the source of a manual page from a pipe; undefined where there is no such program. */
  readonly manualReader: string | undefined;
  /** What starts tunnels at login; undefined: nothing that tshuttle has a way to. */
  readonly serviceManager: string | undefined;
  /** For a sentence: how the user has a profile start at login, where {@link serviceManager} is undefined. */
  readonly startAtLogin: string;
  /** The group whose members sudo lets run everything there, by default. */
  readonly administrators: string;
  /** What sudo reads of ours; its name has no dot (sudoers(5), includedir). */
  readonly sudoersFile: string;
  /** Which Node.js a grant can be for, and how it is used. */
  readonly grantableNode: string;
  /** What shows notifications on a desktop; undefined: nothing. */
  readonly notifier: string | undefined;
  /** What keeps the machine awake during `run`; undefined: nothing. */
  readonly sleepGuard: string | undefined;
  /** Gives a network a way out, which a connection needs before it can be redirected. */
  readonly addRoute: (family: 4 | 6, network: string) => string;
  /** Shows the routes that lead nowhere, of a kind as the kernel names it. */
  readonly showRejectRoutes: (kind: string) => string;
  /** What else may forbid this process a connection. */
  readonly whatForbids: string;
  /** What to do about a rule of another program that drops the answers to redirected connections. */
  readonly acceptReplies: string;
  /** What removes all rules, those of others too. */
  readonly rulesRemovers: string;
  /** How those of a tunnel are kept from that. */
  readonly keepRules: string;
  /** Why the kernel does not redirect a connection any more that it has redirected. */
  readonly forgottenRedirects: string;
  /** What else than we may have it so. */
  readonly whoForgetsRedirects: string;
  /** That it cannot end the socket of another program. */
  readonly endsNoSockets: string;
  /** Where changing rules of the packet filter is permitted. */
  readonly wherePermitted: string;
  /** Has the kernel know the packet filter that redirects; `modules` as they are called there. */
  readonly loadModules: (modules: string) => string;
}
