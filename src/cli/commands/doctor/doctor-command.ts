import type { RawOptions } from '../../../config/options/table.ts';
import { parseSubnet } from '../../../config/parse/networks/subnet.ts';
import { formatCidr } from '../../../net/address/cidr.ts';
import type { HostPort } from '../../../net/address/endpoint.ts';
import { defineCommand } from '../../command/command-definition.ts';
import { TEXTS } from '../../command/help-text.ts';
import { isJsonAsked, jsonOption } from '../../command/json-option.ts';
import { rawOptions } from '../../command/tunnel-options.ts';
import { formatFor } from '../../rendering/terminal.ts';

/** Arguments of `tshuttle doctor`. */
interface DoctorInput {
  readonly destinations: readonly HostPort[];
  /** Hosts that nothing can be tried at. */
  readonly withoutPort: readonly string[];
  readonly raw: RawOptions;
  readonly asJson: boolean;
}

/** `tshuttle doctor` */
export const doctorCommand = defineCommand<DoctorInput>({
  name: 'doctor',
  wordsBeforeTunnel: 1,
  describe: (command, choose) => {
    command
      .summary(TEXTS.doctor)
      .description(TEXTS.doctorDescription)
      .usage('[PROFILE | -r [USER@]HOST [options]] [HOST:PORT...] [SUBNET...]')
      .argument('[HOST:PORT...]', TEXTS.doctorDestination)
      .addOption(jsonOption())
      .action((words: string[]) => {
        const { remote } = command.optsWithGlobals<{ readonly remote?: readonly string[] }>();
        const destinations = words.flatMap((word) => parseDestination(word) ?? []);
        const subnets = words.filter((word) => parseDestination(word) === undefined);
        // Without a bastion the first is the name of a profile.
        const others = remote === undefined ? subnets.slice(1) : subnets;
        const withoutPort = others.filter(isHost);
        const raw = rawOptions(subnets, command);
        choose({ destinations, withoutPort, raw, asJson: isJsonAsked(command) });
      });
  },
  run: async ({ destinations, withoutPort, raw, asJson }, session) => {
    const { process: context, print, prepare } = session;
    const { RunningTunnels } = await import('../../../app/running-tunnels/running-tunnels.ts');
    const { surroundingsOf } = await import('../../../app/running-tunnels/user-folders.ts');
    const running = await RunningTunnels.find(surroundingsOf(context.environment), 'checked');
    try {
      const [first] = raw.subnets;
      // A tunnel that is up has logged in: nobody has to type a code for the doctor, too.
      const isAboutRunning =
        raw.remote === undefined &&
        (first === undefined ? running.all.length > 0 : running.named(first) !== undefined);
      const { namedConfig } = await import('../../command/named-config.ts');
      const named = isAboutRunning ? undefined : await namedConfig(raw, session, running.names);
      if (typeof named === 'number') return named;
      const config = named?.config;
      const { verbosity, quiet } = raw;
      const { tunnelContext } = await prepare(
        config ?? { logFormat: 'auto', verbosity, quiet },
        named?.warnings,
      );
      const { doctor } = await import('./doctor.ts');
      return await doctor(
        config,
        {
          destinations,
          withoutPort,
          by: isAboutRunning ? 'tunnels that are up' : 'a login',
          tunnel: isAboutRunning ? first : undefined,
        },
        {
          logger: tunnelContext.logger,
          prompter: tunnelContext.prompter,
          onStep: tunnelContext.onStep,
          signal: context.stop.signal,
          running,
          print,
          format: formatFor(asJson, context.environment),
        },
      );
    } finally {
      running.close();
    }
  },
});

/** A name or one address, and not a network to be captured. */
function isHost(text: string): boolean {
  const subnet = parseSubnet(text);
  return subnet.kind === 'name' || (subnet.kind === 'network' && subnet.cidr.first === subnet.cidr.last);
}

/** One host on one port; anything else is a SUBNET. */
function parseDestination(text: string): HostPort | undefined {
  const subnet = parseSubnet(text);
  if (subnet.kind === 'invalid' || subnet.ports.first !== subnet.ports.last) return undefined;
  const port = subnet.ports.first;
  if (subnet.kind === 'name') return { host: subnet.name, port };
  return subnet.cidr.first === subnet.cidr.last ? { host: formatCidr(subnet.cidr), port } : undefined;
}
