import { join } from 'node:path';

/** The result of reading one configuration file. */
export type FoundFile =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  /** It is there, or in a folder that does not tell. */
  | { readonly kind: 'unreadable'; readonly what: string; readonly isThere: boolean };

/** The parts of this machine that decide which cloud a client uses. */
export interface CloudSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeDirectory: string;
  readonly workingDirectory: string;
  readonly platform: NodeJS.Platform;
  readonly readFile: (path: string) => FoundFile;
}

/** The three files that a cloud is made of. */
export type CloudFileKind = 'clouds' | 'secure' | 'clouds-public';

/** The clients whose ways to find these files differ. */
export type Client = 'openstacksdk' | 'gophercloud-utils' | 'gophercloud-v2';

/** Where a client looks for a file, the first that is there counts (native-notes/openstack-clients.md). */
export function candidatePaths(
  client: Client,
  kind: CloudFileKind,
  surroundings: CloudSurroundings,
): readonly string[] {
  switch (client) {
    case 'openstacksdk':
      return [
        ...override(OVERRIDES_OF_SDK[kind], surroundings),
        ...sdkFolders(surroundings).flatMap((folder) =>
          ['yaml', 'yml', 'json'].map((suffix) => join(folder, `${kind}.${suffix}`)),
        ),
      ];
    case 'gophercloud-utils':
      return [
        ...override(OVERRIDES_OF_GO[kind], surroundings),
        ...[surroundings.workingDirectory, unixFolder(surroundings), ...siteFolders(surroundings)].map(
          (folder) => join(folder, `${kind}.yaml`),
        ),
      ];
    case 'gophercloud-v2': {
      const [only] = override('OS_CLIENT_CONFIG_FILE', surroundings);
      if (kind !== 'clouds') return [];
      if (only !== undefined) return [only];
      return [surroundings.workingDirectory, userFolder(surroundings), ...siteFolders(surroundings)].map(
        (folder) => join(folder, 'clouds.yaml'),
      );
    }
  }
}

/**
 * Of the files that are there, the first that can be read.
 *
 * @param onUnreadable told of each before it that cannot: no client says so, and takes the next one
 */
export function findCloudFile(
  paths: readonly string[],
  readFile: CloudSurroundings['readFile'],
  onUnreadable: (path: string, file: Extract<FoundFile, { kind: 'unreadable' }>) => void,
): { readonly path: string; readonly text: string } | undefined {
  for (const path of paths) {
    const file = readFile(path);
    if (file.kind === 'text') return { path, text: file.text };
    if (file.kind === 'unreadable') onUnreadable(path, file);
  }
  return undefined;
}

/** Of the machine. The clients look there on Windows, too, where that is C:\etc, which every user may make. */
function siteFolders({ platform }: CloudSurroundings): readonly string[] {
  return platform === 'win32' ? [] : ['/etc/openstack'];
}

const OVERRIDES_OF_SDK: Readonly<Record<CloudFileKind, string | undefined>> = {
  clouds: 'OS_CLIENT_CONFIG_FILE',
  secure: 'OS_CLIENT_SECURE_FILE',
  'clouds-public': undefined,
};

const OVERRIDES_OF_GO: Readonly<Record<CloudFileKind, string | undefined>> = {
  ...OVERRIDES_OF_SDK,
  'clouds-public': 'OS_CLIENT_VENDOR_FILE',
};

function override(variable: string | undefined, { environment }: CloudSurroundings): readonly string[] {
  const path = variable === undefined ? undefined : environment[variable];
  return path === undefined || path === '' ? [] : [path];
}

function sdkFolders(surroundings: CloudSurroundings): readonly string[] {
  return [
    surroundings.workingDirectory,
    userFolder(surroundings),
    unixFolder(surroundings),
    systemFolder(surroundings),
    ...siteFolders(surroundings),
  ];
}

function unixFolder({ homeDirectory }: CloudSurroundings): string {
  return join(homeDirectory, '.config', 'openstack');
}

function userFolder({ environment, homeDirectory, platform }: CloudSurroundings): string {
  if (platform === 'darwin') return join(homeDirectory, 'Library', 'Application Support', 'openstack');
  if (platform === 'win32')
    return join(environment['LOCALAPPDATA'] ?? homeDirectory, 'OpenStack', 'openstack');
  return join(environment['XDG_CONFIG_HOME'] || join(homeDirectory, '.config'), 'openstack');
}

/** With several XDG_CONFIG_DIRS openstacksdk looks for one folder whose name has colons in it, and finds nothing. */
function systemFolder({ environment, platform }: CloudSurroundings): string {
  if (platform === 'darwin') return join('/', 'Library', 'Application Support', 'openstack');
  if (platform === 'win32')
    return join(environment['PROGRAMDATA'] ?? 'C:\\ProgramData', 'OpenStack', 'openstack');
  const folders = (environment['XDG_CONFIG_DIRS'] ?? '/etc/xdg').split(':');
  return folders.map((folder) => join(folder.replace(/\/+$/, ''), 'openstack')).join(':');
}
