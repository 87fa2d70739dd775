import { type IpFamily, LOOPBACK } from '../../net/address/literal.ts';
import { PF_LISTENERS } from './pf/pf-anchor.ts';

/**
 * The redirect methods, each declared once: all that the program says of one, or asks about one, outside the root process.
 *
 * To add a method:
 *
 *     1. here             a row; `--method`, profiles, the protocol, the choice, remedies, `report` and the man page read it
 *     2. rules/NAME/      its rules as text, pure, from an `OwnedPlan`; named in render-plan.ts, where --dry-run has them from
 *     3. root/NAME/       a `MethodDriver` (root/backend/method-driver.ts); named in root/drivers.ts
 *
 * When 1 is there the compiler asks for 2 and 3. Nothing else names a method, but for what is true of that one alone.
 */

/** One way to install the rules of a method. */
interface CandidateRow {
  readonly name: string;
  /** `helper`: the kernel removes the rules when the helper ends, however it ends; `until-removed`: somebody has to. */
  readonly lifetime: 'helper' | 'until-removed';
  /** Of a lifetime `helper`: what is left for others to remove when the helper is killed, and does nothing without the rules. */
  readonly leaves?: 'routes';
}

/** What is declared of a method. */
interface MethodRow {
  /** What `--method` takes. */
  readonly name: string;
  /** What sshuttle calls it, where that is something else. */
  readonly sshuttleName?: string;
  /** The systems that have it, as Node.js names them. */
  readonly platforms: readonly NodeJS.Platform[];
  /** The ways to install its rules, the best first. */
  readonly candidates: readonly CandidateRow[];
  /** The package that brings its programs, by the name that distributions have for it; undefined: it is part of the system. */
  readonly packageName: string | undefined;
  /** What the kernel needs for it and may lack, as its messages do not say; undefined: it is part of the kernel. */
  readonly kernelModules: string | undefined;
  /** What shows all rules of this kind, ours and others', to root. */
  readonly listingCommands: readonly string[];
  /** What tells its version: a program, and an option of it. */
  readonly versionCommand: readonly [program: string, option: string];
  /** Its page in the manual. */
  readonly manual: readonly [page: string, section: number];
  /** Whether it can do what `replies: 'disguised'` in a plan asks. */
  readonly disguisesReplies: boolean;
  /**
   * What tells where an accepted connection was going to: what the kernel keeps of its redirect, or the helper, where the kernel tells
   * only root; or its own address, because nothing was redirected and the listener is transparent (`net/native/transparent`).
   */
  readonly destinationsFrom: 'socket' | 'helper' | 'own address';
  /** Whether it redirects datagrams too, as `udp: 'relay'` in a plan asks, and its driver tells where they were going to. */
  readonly redirectsDatagrams: boolean;
  /** The addresses of this machine that its rules redirect to. */
  readonly listeners: Readonly<Record<IpFamily, string>>;
}

/** Every method, the best first. */
export const REDIRECT_METHODS = [
  {
    name: 'nft',
    platforms: ['linux'],
    candidates: [
      { name: 'libnftables', lifetime: 'helper' },
      // Where the kernel (before 5.12) or the library does not know the flag of an owned table.
      { name: 'libnftables-unowned', lifetime: 'until-removed' },
    ],
    packageName: 'nftables',
    kernelModules: 'nf_tables and nft_redir',
    listingCommands: ['nft list ruleset'],
    versionCommand: ['nft', '--version'],
    manual: ['nft', 8],
    disguisesReplies: true,
    destinationsFrom: 'socket',
    redirectsDatagrams: true,
    listeners: LOOPBACK,
  },
  {
    name: 'iptables',
    sshuttleName: 'nat',
    platforms: ['linux'],
    // The restore tool of each name.
    candidates: [
      { name: 'iptables', lifetime: 'until-removed' },
      { name: 'iptables-nft', lifetime: 'until-removed' },
      { name: 'iptables-legacy', lifetime: 'until-removed' },
    ],
    packageName: 'iptables',
    kernelModules: 'iptable_nat',
    listingCommands: ['iptables-save', 'iptables-legacy-save'],
    versionCommand: ['iptables', '--version'],
    manual: ['iptables', 8],
    disguisesReplies: false,
    destinationsFrom: 'socket',
    redirectsDatagrams: false,
    listeners: LOOPBACK,
  },
  {
    name: 'tproxy',
    platforms: ['linux'],
    candidates: [{ name: 'tproxy', lifetime: 'helper', leaves: 'routes' }],
    packageName: 'nftables',
    kernelModules: 'nf_tables, nft_tproxy and CONFIG_IP_MULTIPLE_TABLES',
    listingCommands: ['ip rule'],
    versionCommand: ['nft', '--version'],
    manual: ['nft', 8],
    disguisesReplies: true,
    destinationsFrom: 'own address',
    redirectsDatagrams: false,
    listeners: LOOPBACK,
  },
  {
    name: 'pf',
    platforms: ['darwin', 'freebsd'],
    // An anchor, by pfctl(8).
    candidates: [{ name: 'pf', lifetime: 'until-removed' }],
    packageName: undefined,
    kernelModules: 'pf',
    listingCommands: ['pfctl -s all'],
    versionCommand: ['uname', '-sr'],
    manual: ['pfctl', 8],
    disguisesReplies: false,
    destinationsFrom: 'helper',
    redirectsDatagrams: false,
    listeners: PF_LISTENERS,
  },
] as const satisfies readonly MethodRow[];

type Row = (typeof REDIRECT_METHODS)[number];

/** A way to make the kernel redirect connections. */
export type InterceptMethod = Row['name'];

/** What the user may ask for with `--method`. */
export type WantedMethod = 'auto' | InterceptMethod;

/** Every {@link WantedMethod}. */
export const WANTED_METHODS: readonly ['auto', ...InterceptMethod[]] = [
  'auto',
  ...REDIRECT_METHODS.map(({ name }) => name),
];

/** `auto, nft or iptables`: what may be asked for on this system. */
export function wantedMethods(platform: NodeJS.Platform = process.platform): string {
  return wordsOf(['auto', ...methodsOn(platform).map(({ name }) => name)], 'or');
}

/** One way to install the rules of a method `M`. */
export type CandidateOf<M extends InterceptMethod> = Extract<Row, { name: M }>['candidates'][number]['name'];

/** One way to install rules. */
export type Candidate = CandidateOf<InterceptMethod>;

/** Every {@link Candidate}, the best first. */
export const CANDIDATES: readonly Candidate[] = REDIRECT_METHODS.flatMap(({ candidates }) =>
  candidates.map(({ name }) => name),
);

/** The rows of the methods that a system has, the best first. */
export function methodsOn(platform: NodeJS.Platform): readonly Row[] {
  return REDIRECT_METHODS.filter((row) => (row.platforms as readonly string[]).includes(platform));
}

/** The method that sshuttle calls so. */
export function methodOfSshuttle(name: string): InterceptMethod | undefined {
  return REDIRECT_METHODS.find((row: MethodRow) => row.sshuttleName === name)?.name;
}

/** The row of a method. */
export function methodRow(method: InterceptMethod): MethodRow {
  return REDIRECT_METHODS.find(({ name }) => name === method)!;
}

/** The method of a candidate. */
export function methodOf(candidate: Candidate): InterceptMethod {
  return REDIRECT_METHODS.find(({ candidates }) => candidates.some(({ name }) => name === candidate))!.name;
}

/** Whether the kernel removes the rules of a candidate when the helper ends. */
export function endsWithHelper(candidate: Candidate): boolean {
  return REDIRECT_METHODS.some(({ candidates }) =>
    candidates.some(({ name, lifetime }) => name === candidate && lifetime === 'helper'),
  );
}

/** Whether something that is harmless by itself is left when the helper is killed, and somebody has to remove it. */
export function leavesHarmless(candidate: Candidate): boolean {
  return REDIRECT_METHODS.some(({ candidates }: MethodRow) =>
    candidates.some(({ name, leaves }) => name === candidate && leaves !== undefined),
  );
}

/** `nft list ruleset, iptables-save and iptables-legacy-save`: what shows root all rules on this system. */
export function listingCommands(platform: NodeJS.Platform = process.platform): string {
  return wordsOf(
    methodsOn(platform).flatMap((row) => row.listingCommands as readonly string[]),
    'and',
  );
}

function wordsOf(words: readonly string[], conjunction: 'and' | 'or'): string {
  return words.join(', ').replace(/, ([^,]*)$/, ` ${conjunction} $1`);
}
