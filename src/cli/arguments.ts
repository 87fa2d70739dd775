import { Command, CommanderError } from 'commander';
import type { RawOptions } from '../config/parse-config.ts';
import { parseSubnet } from '../config/subnet.ts';
import type { Problem } from '../core/problem.ts';
import { formatCidr } from '../net/cidr.ts';
import type { ExplainedDestination } from './commands/explain.ts';
import { describeForeignOption } from './foreign-options.ts';
import { EXAMPLES, TEXTS } from './help-text.ts';

/** What the words of the command line ask for. */
export type Invocation =
  | { readonly kind: 'tunnel'; readonly raw: RawOptions }
  | { readonly kind: 'cleanup'; readonly verbosity: number; readonly logFormat: string | undefined }
  | { readonly kind: 'explain'; readonly destination: ExplainedDestination; readonly raw: RawOptions }
  /** Text to print, and nothing more to do: help or version. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly problem: Problem };

interface CommanderOptions {
  readonly remote?: string;
  readonly subnets?: readonly string[];
  readonly exclude?: readonly string[];
  readonly excludeFrom?: readonly string[];
  readonly identity?: readonly string[];
  readonly sshOption?: readonly string[];
  readonly sshConfig?: string;
  readonly jump?: string;
  readonly upstreamProxy?: string;
  readonly listen?: string;
  readonly method?: string;
  readonly dns?: true;
  readonly nsHosts?: string;
  readonly toNs?: string;
  readonly domain?: readonly string[];
  readonly host?: readonly string[];
  readonly resolve?: string;
  readonly syntheticRange?: string;
  readonly disableIpv6?: true;
  /** Commander's default for `--no-session` is true. */
  readonly session: boolean;
  readonly connections?: string;
  readonly daemon?: true;
  readonly pidfile?: string;
  readonly dryRun?: true;
  readonly logFormat?: string;
  readonly verbose: number;
}

/** Tells options from subnets; nothing is checked yet but that every option exists and has its value. */
export function parseArguments(words: readonly string[], version: string): Invocation {
  let invocation: Invocation | undefined;
  let output = '';
  const program = describeProgram(version)
    .configureOutput({ writeOut: (text) => (output += text), writeErr: () => {}, getOutHelpWidth: () => 100 })
    .action((subnets: string[], options: CommanderOptions) => {
      invocation = invocationOf(rawOptions(subnets, options));
    });
  program
    .command('cleanup')
    .summary(TEXTS.cleanup)
    .description(TEXTS.cleanupDescription)
    .usage('[-v] [--log-format FORMAT]')
    .helpGroup('Commands:')
    .optionsGroup('Options:')
    .helpOption('-h, --help', TEXTS.help)
    // For its help: the program takes these wherever they stand.
    .option('-v, --verbose', TEXTS.cleanupVerbose)
    .option('--log-format <FORMAT>', TEXTS.logFormat)
    .action((_options: unknown, command: Command) => {
      const { verbose, logFormat } = command.optsWithGlobals<CommanderOptions>();
      invocation = { kind: 'cleanup', verbosity: verbose, logFormat };
    });
  program
    .command('explain')
    .summary(TEXTS.explain)
    .description(TEXTS.explainDescription)
    .usage('HOST[:PORT] -r [USER@]HOST [options] [SUBNET...]')
    .argument('<HOST[:PORT]>', TEXTS.explained)
    .argument('[SUBNET...]', TEXTS.subnet)
    .helpGroup('Commands:')
    .helpOption('-h, --help', TEXTS.help)
    .action((text: string, subnets: string[], _options: unknown, command: Command) => {
      const destination = parseExplained(text);
      invocation =
        destination === undefined
          ? {
              kind: 'refused',
              problem: { where: text, what: 'is not HOST or HOST:PORT, as in db.example:5432' },
            }
          : {
              kind: 'explain',
              destination,
              raw: rawOptions(subnets, command.optsWithGlobals<CommanderOptions>()),
            };
    });
  for (const command of [program, ...program.commands]) command.exitOverride();
  try {
    program.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: 'text', text: output };
    return { kind: 'refused', problem: problemOf(error) };
  }
  if (invocation === undefined) throw new Error('commander ran no action');
  return invocation;
}

function describeProgram(version: string): Command {
  return new Command('tshuttle')
    .description(TEXTS.description)
    .usage('-r [USER@]HOST[:PORT] [options] SUBNET...')
    .argument('[SUBNET...]', TEXTS.subnet)
    .helpCommand(false)
    .optionsGroup('Bastion:')
    .option('-r, --remote <[USER@]HOST[:PORT]>', TEXTS.remote)
    .option('-i, --identity <FILE>', TEXTS.identity, collect)
    .option('-o, --ssh-option <KEY=VALUE>', TEXTS.sshOption, collect)
    .option('-F, --ssh-config <FILE>', TEXTS.sshConfig)
    .option('-J, --jump <HOP[,HOP...]>', TEXTS.jump)
    .option('--upstream-proxy <URL>', TEXTS.upstreamProxy)
    .option('--no-session', TEXTS.noSession)
    .option('--connections <N>', TEXTS.connections)
    .optionsGroup('What is captured:')
    .option('-s, --subnets <FILE>', TEXTS.subnets, collect)
    .option('-x, --exclude <SUBNET>', TEXTS.exclude, collect)
    .option('-X, --exclude-from <FILE>', TEXTS.excludeFrom, collect)
    .option('--domain <ZONE>', TEXTS.domain, collect)
    .option('--resolve <WHO>', TEXTS.resolve)
    .option('--synthetic-range <NETWORK[,...]>', TEXTS.syntheticRange)
    .option('--host <NAME=IP>', TEXTS.host, collect)
    .option('--dns', TEXTS.dns)
    .option('--ns-hosts <IP[,IP...]>', TEXTS.nsHosts)
    .option('--to-ns <IP[:PORT][,...]>', TEXTS.toNs)
    .option('--disable-ipv6', TEXTS.disableIpv6)
    .optionsGroup('How it is captured:')
    .option('--method <METHOD>', TEXTS.method)
    .option('-l, --listen <[IP:]PORT>', TEXTS.listen)
    .option('--dry-run', TEXTS.dryRun)
    .optionsGroup('Running:')
    .option('-D, --daemon', TEXTS.daemon)
    .option('--pidfile <FILE>', TEXTS.pidfile)
    .option('-v, --verbose', TEXTS.verbose, (_value: unknown, count: number) => count + 1, 0)
    .option('--log-format <FORMAT>', TEXTS.logFormat)
    .version(`tshuttle ${version}`, '-V, --version', TEXTS.version)
    .helpOption('-h, --help', TEXTS.help)
    .addHelpText('after', EXAMPLES);
}

/** Options that other programs have as commands. */
const OPTIONS_NOT_COMMANDS: Readonly<Record<string, string>> = { help: '--help', version: '--version' };

/** One word without a bastion is hardly a host: somebody looks for a command. */
function invocationOf(raw: RawOptions): Invocation {
  const [word = '', ...others] = raw.subnets;
  const isLost = raw.remote === undefined && others.length === 0 && raw.subnetFiles.length === 0;
  if (!isLost || !/^[a-z]+(?:-[a-z]+)*$/i.test(word)) return { kind: 'tunnel', raw };
  const option = OPTIONS_NOT_COMMANDS[word];
  const what =
    option === undefined
      ? 'is not a command, those are cleanup and explain; to capture a host of this name, add -r BASTION'
      : `is not a command; write ${option}`;
  return { kind: 'refused', problem: { where: word, what } };
}

function parseExplained(text: string): ExplainedDestination | undefined {
  const subnet = parseSubnet(text);
  if (subnet.kind === 'invalid' || subnet.ports.first !== subnet.ports.last) {
    const isAllPorts = subnet.kind !== 'invalid' && subnet.ports.first === 1 && subnet.ports.last === 65_535;
    if (!isAllPorts) return undefined;
  }
  const port = subnet.ports.first === subnet.ports.last ? subnet.ports.first : undefined;
  if (subnet.kind === 'name') return { host: subnet.name, port };
  return subnet.cidr.first === subnet.cidr.last ? { host: formatCidr(subnet.cidr), port } : undefined;
}

function collect(value: string, values: readonly string[] = []): readonly string[] {
  return [...values, value];
}

function rawOptions(subnets: readonly string[], options: CommanderOptions): RawOptions {
  return {
    subnets,
    remote: options.remote,
    subnetFiles: options.subnets ?? [],
    excludes: options.exclude ?? [],
    excludeFiles: options.excludeFrom ?? [],
    identityFiles: options.identity ?? [],
    sshOptions: options.sshOption ?? [],
    sshConfigFile: options.sshConfig,
    jump: options.jump,
    upstreamProxy: options.upstreamProxy,
    listen: options.listen,
    method: options.method,
    dns: options.dns === true,
    nameservers: options.nsHosts,
    resolvers: options.toNs,
    domains: options.domain ?? [],
    hosts: options.host ?? [],
    resolve: options.resolve,
    syntheticRanges: options.syntheticRange,
    ipv6: options.disableIpv6 !== true,
    mayOpenSession: options.session,
    connections: options.connections,
    daemon: options.daemon === true,
    pidFile: options.pidfile,
    dryRun: options.dryRun === true,
    logFormat: options.logFormat,
    verbosity: options.verbose,
  };
}

/** Commander's message in our words: `error: unknown option '--foo'`, perhaps with a suggestion in a second line. */
function problemOf(error: CommanderError): Problem {
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  // Without its value, which may be a password.
  const flag = /'([^'=]*)/.exec(message)?.[1] ?? '';
  switch (error.code) {
    case 'commander.unknownOption': {
      const foreign = describeForeignOption(flag);
      if (foreign !== undefined) return { where: flag, what: foreign };
      const meant = /mean (?:one of )?(.*)\?/.exec(suggestion ?? '')?.[1];
      return { where: flag, what: `is not an option${meant === undefined ? '' : `; perhaps ${meant}`}` };
    }
    case 'commander.optionMissingArgument':
      return { where: flag.split(/[, ]/, 1)[0]!, what: 'needs a value after it' };
    case 'commander.excessArguments':
      return { where: 'cleanup', what: 'takes no arguments' };
    case 'commander.missingArgument':
      return { where: 'explain', what: 'needs a destination, as in tshuttle explain db.example:5432' };
    default:
      return { where: 'command line', what: message };
  }
}
