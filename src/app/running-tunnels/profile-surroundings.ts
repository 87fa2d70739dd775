import { whyUnreadable } from '../../config/parse/files/named-files.ts';
import { readTextFile } from '../../config/parse/files/text-file.ts';
import type { ProfileSurroundings } from '../../config/profiles/load-profiles.ts';
import { readTrustedFile } from '../../config/profiles/trusted-file.ts';
import { homeFolder } from '../../core/accounts.ts';
import { START_FOLDER } from '../../core/files/start-folder.ts';
import type { ProcessContext } from '../process-context.ts';

/** Where profiles are, and how they are read. */
export function profileSurroundingsOf(environment: ProcessContext['environment']): ProfileSurroundings {
  return {
    configHome: environment['XDG_CONFIG_HOME'],
    credentialsFolder: environment['CREDENTIALS_DIRECTORY'],
    homeDirectory: homeFolder(),
    workingDirectory: START_FOLDER,
    readTextFile,
    readTrustedFile,
    whyUnreadable,
  };
}
