import * as v from 'valibot';

/** Profiles in one file; beyond this it is not written by people. */
const MAX_PROFILES = 200;

const text = (description: string) =>
  v.pipe(
    v.string('must be text; put it in quotes'),
    v.nonEmpty('is empty'),
    // A newline in an option of ssh would begin another one.
    v.regex(/^\P{Cc}*$/u, 'has a control character in it'),
    v.description(description),
  );

const words = <const T extends readonly [string, ...string[]]>(choices: T, description: string) =>
  v.pipe(v.picklist(choices, `must be one of ${choices.join(', ')}`), v.description(description));

const flag = (description: string) => v.pipe(v.boolean('must be true or false'), v.description(description));

const textOrTrue = (description: string) =>
  v.pipe(
    v.union([text(description), v.literal(true)], 'must be text or true; put text in quotes'),
    v.description(description),
  );

const number = (min: number, max: number, description: string) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(min, message),
    v.maxValue(max, message),
    v.description(description),
  );
};

const list = (item: string, description: string) =>
  v.pipe(
    v.array(text(item), 'must be a list, as in [one, two], or each on a line of its own after a dash'),
    v.description(description),
  );

const EVERY_FAMILY = 'as --disable-ipv6 where it is false';

/** What a profile may say. Each key is an option of the command line, and its values are what that takes. */
export const profileSchema = v.pipe(
  v.strictObject(
    {
      remote: text('the ssh server, [user@]host[:port], or a Host of the ssh configuration; no password'),
      identity: v.optional(list('a file with a private key', 'private keys to log in with, as -i')),
      ssh_options: v.optional(list('Key=Value', 'options of ssh_config(5), as -o')),
      ssh_config: v.optional(text('ssh configuration to read instead of ~/.ssh/config, as -F')),
      jump: v.optional(text('ssh servers on the way, [user@]host[:port],..., the nearest first, as -J')),
      upstream_proxy: v.optional(text('socks5://host:port, as --upstream-proxy; no password')),
      transport: v.optional(
        words(['auto', 'ssh2', 'openssh'], 'what connects to the bastion, as --transport'),
      ),
      control_path: v.optional(text('the control socket of an ssh that is up, as --control-path')),
      openssh_carry: v.optional(words(['socks', 'handover'], 'as --openssh-carry')),
      session: v.optional(flag('as --no-session where it is false')),
      connections: v.optional(number(1, 16, 'over how many ssh connections flows are spread')),
      on_down: v.optional(
        words(['hold', 'reject', 'direct', 'exit'], 'new flows while the bastion is lost, as --on-down'),
      ),
      hold_seconds: v.optional(number(0, 3_600, 'how long a flow is held, as --hold-seconds')),
      subnets: v.optional(list('10.0.0.0/8, 10.0.0.0/8:443, db.example.com:5432', 'what is captured')),
      subnets_from: v.optional(list('a file, one subnet on a line', 'files with subnets, as -s')),
      excludes: v.optional(list('10.0.0.0/8, gate.example.com', 'what is never captured, as -x')),
      excludes_from: v.optional(list('a file, one subnet on a line', 'files with excludes, as -X')),
      zones: v.optional(
        list('internal.example, *.internal.example', 'zones whose names the bastion resolves, as --domain'),
      ),
      resolve: v.optional(words(['auto', 'bastion'], 'who resolves names in zones, as --resolve')),
      synthetic_range: v.optional(
        list('a network', 'what addresses that stand for names are taken from, as --synthetic-range'),
      ),
      hosts: v.optional(list('NAME=IP', 'names that are answered at once, as --host')),
      auto_hosts: v.optional(flag("whether the names in the bastion's /etc/hosts are answered, as -H")),
      seed_hosts: v.optional(list('a name', 'names that the bastion resolves, as --seed-hosts')),
      dns: v.optional(flag('whether all DNS queries of this machine are captured, as --dns')),
      ns_hosts: v.optional(list('an IP address', 'whose queries alone are captured, as --ns-hosts')),
      to_ns: v.optional(list('IP, IP:PORT, [IPV6]:PORT', 'resolvers behind the bastion, as --to-ns')),
      openstack: v.optional(
        textOrTrue('the cloud whose API is captured, or true for that of OS_CLOUD, as --openstack'),
      ),
      openstack_catalog: v.optional(
        textOrTrue(
          'captures the endpoints in its catalog: true asks by its credentials; cli, or a file, as --openstack-catalog',
        ),
      ),
      openstack_interface: v.optional(words(['public', 'internal', 'admin'], 'as --openstack-interface')),
      openstack_region: v.optional(text('as --openstack-region')),
      ipv6: v.optional(flag(EVERY_FAMILY)),
      method: v.optional(words(['auto', 'nft', 'iptables'], 'what redirects, as --method')),
      listen: v.optional(text('where redirected connections are accepted, [ip:]port, as -l')),
      socks: v.optional(list('[ip:]port', 'where SOCKS proxies listen, as --socks')),
      metrics: v.optional(text('[ip:]port, where metrics are served, as --metrics')),
      http_proxy: v.optional(list('[ip:]port', 'where HTTP proxies listen, as --http-proxy')),
      proxy_auth: v.optional(text('file with user:password for the proxies, as --proxy-auth')),
      verbose: v.optional(number(0, 2, 'how much is logged, as -v given so many times')),
      log_format: v.optional(words(['auto', 'text', 'json'], 'as --log-format')),
    },
    ({ expected, path }) => {
      if (expected === 'never') return 'is not an option of a profile';
      return expected === 'Object' ? 'must hold the options of a profile' : `has no ${path?.at(-1)?.key}`;
    },
  ),
  v.description('one tunnel: tshuttle up NAME'),
);

/** A profile as it is written. */
export type ProfileOptions = v.InferOutput<typeof profileSchema>;

/** What stands in `config.yaml` and in `.tshuttle.yaml`. */
export const profileFileSchema = v.pipe(
  v.strictObject(
    {
      profiles: v.pipe(
        v.record(
          v.pipe(
            v.string(),
            v.regex(
              /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
              'is not a name: letters, digits, dot, dash and underscore, 63 at most',
            ),
          ),
          profileSchema,
          'must hold profiles by their names',
        ),
        v.maxEntries(MAX_PROFILES, `has more than ${MAX_PROFILES} profiles`),
        v.description('tunnels by their names'),
      ),
    },
    ({ expected }) =>
      expected === 'never' ? 'is not known here; profiles stand below `profiles:`' : 'has no `profiles:`',
  ),
  v.title('tshuttle profiles'),
);
