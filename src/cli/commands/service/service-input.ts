import { TshuttleError } from '../../../core/errors.ts';
import { systemWords } from '../../../core/systems/system-words.ts';

/** Arguments of the commands about services. */
export interface ServiceInput {
  readonly names: readonly string[];
  readonly system: boolean;
  readonly print: boolean;
  readonly json: boolean;
}

/** Sees to it that this system has what the services are for. @throws TshuttleError ERR_CONFIG with what there is instead */
export function requireServices({ system }: Pick<ServiceInput, 'system'>): void {
  const { name, platform, serviceManager, startAtLogin } = systemWords();
  if (serviceManager === undefined) {
    throw new TshuttleError('ERR_CONFIG', `tshuttle installs no services on ${name}`, {
      remedy: startAtLogin,
    });
  }
  if (system && platform !== 'linux') {
    throw new TshuttleError('ERR_CONFIG', `tshuttle installs no services of the machine on ${name}`, {
      remedy: 'leave --system out: yours starts when you log in',
    });
  }
}
