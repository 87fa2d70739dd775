import { messageOf, TshuttleError } from '../../../../core/errors.ts';
import type { Endpoint } from '../../../../net/address/endpoint.ts';
import type {
  LookUp,
  RedirectedConnection,
  StrandedFate,
} from '../../../../net/sockets/redirected-connection.ts';
import { PF_DEFAULTS, type PfOptions, renderPf } from '../../../rules/pf/pf.ts';
import { EPHEMERAL_FROM, pfAnchor } from '../../../rules/pf/pf-anchor.ts';
import { hasRoomForRefusal } from '../../../rules/pf/pf-udp.ts';
import { EarlierTunnels, isSameOwner, type OwnedPlan } from '../../../rules/redirect-plan.ts';
import type { LeftZone } from '../../../rules/resolver-files.ts';
import type { RuleFacts } from '../../../rules/rule-facts.ts';
import { type Exposure, RefusedError, type RuleBackend } from '../backend/rule-backend.ts';
import { callAnchor, missingCall } from './anchor-call.ts';
import { enablePf, isPfEnabled } from './enable-reference.ts';
import { addAlias } from './loopback-alias.ts';
import { OriginalDestinations } from './original-destinations.ts';
import { lookAtPf } from './pf-facts.ts';
import { mustPfctl, NO_SUCH_ANCHOR, type PfMachine } from './pf-machine.ts';
import type { PfRecord, PfRecords } from './pf-records.ts';
import { releaseAll, releaseRules } from './release.ts';
import { RuleTickets } from './rule-tickets.ts';
import { StateWatch } from './state-watch.ts';
import { strandedFate } from './stranded-fate.ts';
import { applyZoneFiles } from './zone-files.ts';

/**
 * Holds the rules of one tunnel as an anchor of pf. They outlive this process unless somebody removes them: all that is done to the
 * machine stands in the record first, which is locked for as long as we live.
 *
 *     alias ──> anchor loaded ──> called by the main ruleset (FreeBSD) ──> pf held enabled (macOS)
 *
 * Never disables pf, and never loads the main ruleset, which is the system's and other programs'.
 */
export class PfBackend implements RuleBackend {
  readonly exposure: Exposure = { kind: 'unannounced' };
  leftZones: readonly LeftZone[] = [];
  whyUdpLeaves: string | undefined;
  readonly #machine: PfMachine;
  readonly #records: PfRecords;
  readonly #record: PfRecord;
  readonly #tickets: RuleTickets;
  readonly #states: StateWatch;
  readonly #earlier = new EarlierTunnels();
  #applied: OwnedPlan | undefined;
  #destinations: OriginalDestinations | undefined;

  private constructor(machine: PfMachine, records: PfRecords) {
    this.#machine = machine;
    this.#records = records;
    this.#record = records.create();
    this.#tickets = new RuleTickets(machine);
    this.#states = new StateWatch(machine);
  }

  /** No rule is set yet; lo0 has the address for listeners of IPv6, unless the machine has no IPv6. @throws RefusedError */
  static async open(machine: PfMachine, records: PfRecords): Promise<PfBackend> {
    const backend = new PfBackend(machine, records);
    try {
      await addAlias(machine, records, backend.#record);
    } catch (error) {
      machine.warn(`no IPv6 is captured: lo0 does not take an address for it: ${messageOf(error)}`);
    }
    return backend;
  }

  async apply(wanted: OwnedPlan): Promise<void> {
    const isFirst = this.#applied === undefined;
    const others = this.#records.others(this.#record);
    if (isFirst) mustBeFree(wanted, others);
    const ports = others.flatMap(({ holdings }) => ('owner' in holdings ? holdings.forwarderPorts : []));
    const plan = this.#earlier.passedBy(wanted, ports);
    const text = this.#render(plan);
    this.#record.write({
      ...this.#record.holdings,
      owner: { userId: plan.userId, listenerPort: plan.listenerPort },
      forwarderPorts: wanted.dns?.exemptPorts ?? [],
    });
    try {
      await this.#load(plan, text);
    } catch (error) {
      // What was loaded before is there still: pfctl replaces an anchor as a whole.
      // What cannot be undone now stays in the record, and is told at the end.
      if (isFirst) await releaseRules(this.#machine, this.#record).catch(() => {});
      throw error;
    }
    this.whyUdpLeaves = hasRoomForRefusal(plan, this.#options())
      ? undefined
      : 'pf has no room to spare all that was there';
    this.leftZones = applyZoneFiles(this.#machine, this.#records, this.#record, plan);
    this.#applied = plan;
    this.#destinations ??= new OriginalDestinations(this.#machine, plan.listenerPort);
  }

  async missing(): Promise<string | undefined> {
    if (this.#applied === undefined) return undefined;
    const info = await mustPfctl(this.#machine, ['-s', 'info']);
    if (!isPfEnabled(info)) return 'pf is disabled';
    await this.#states.look(info);
    const anchor = this.#anchor(this.#applied);
    if (this.#tickets.areUnchanged(anchor)) return undefined;
    const seen = this.#tickets.read(anchor);
    const missing =
      (await this.#missingRules(anchor, this.#applied)) ?? (await missingCall(this.#machine, anchor));
    if (missing === undefined) this.#tickets.keep(seen);
    return missing;
  }

  async putBack(): Promise<void> {
    if (this.#applied === undefined) return;
    await this.#load(this.#applied, this.#render(this.#applied));
    const missing = await missingCall(this.#machine, this.#anchor(this.#applied));
    if (missing === undefined) return;
    throw new RefusedError(`${missing}: load it again, as root: pfctl -f /etc/pf.conf`);
  }

  async look(): Promise<RuleFacts> {
    const plan = this.#applied;
    const anchor = this.#anchor(plan ?? { userId: 0, listenerPort: 1 });
    const missing =
      plan === undefined
        ? 'all'
        : ((await this.#missingRules(anchor, plan)) ?? (await missingCall(this.#machine, anchor)));
    const packetFilter = await lookAtPf(this.#machine, anchor);
    return {
      ownRules: missing === undefined && packetFilter.isEnabled,
      earlierNat: [],
      drops: [],
      ufw: false,
      wgQuick: [],
      notrack: [],
      inputDrops: [],
      packetFilter,
    };
  }

  async lookUp(originators: readonly Endpoint[]): Promise<readonly LookUp[]> {
    return (await this.#destinations?.lookUp(originators)) ?? originators.map(() => ({ kind: 'unknown' }));
  }

  async endStranded(connections: readonly RedirectedConnection[]): Promise<readonly StrandedFate[]> {
    const lookUps = await this.lookUp(connections.map(({ originator }) => originator));
    return connections.map((connection, index) =>
      strandedFate(connection, lookUps[index], this.#machine.isOwnAddress),
    );
  }

  async remove(): Promise<void> {
    await releaseRules(this.#machine, this.#record);
    this.#applied = undefined;
  }

  async close(): Promise<void> {
    this.#destinations?.close();
    this.#tickets.close();
    this.#applied = undefined;
    await releaseAll(this.#machine, this.#records, this.#record);
  }

  #anchor(owner: Pick<OwnedPlan, 'userId' | 'listenerPort'>): string {
    return pfAnchor(owner, this.#machine.platform);
  }

  #options(): PfOptions {
    const { platform, isOwnAddress: isOwn, ownAddresses } = this.#machine;
    const ephemeralFrom = EPHEMERAL_FROM[platform];
    return { ...PF_DEFAULTS, isOwn, ephemeralFrom, neverRefused: ownAddresses() };
  }

  #render(plan: OwnedPlan): string {
    try {
      return renderPf(plan, this.#options());
    } catch (error) {
      const remedy = error instanceof TshuttleError ? error.remedy : undefined;
      throw new RefusedError(`${messageOf(error)}${remedy === undefined ? '' : `: ${remedy}`}`);
    }
  }

  /** Sets the whole desired state, whatever there is of it. */
  async #load(plan: OwnedPlan, text: string): Promise<void> {
    const anchor = this.#anchor(plan);
    this.#tickets.keep(undefined);
    await mustPfctl(this.#machine, ['-n', '-a', anchor, '-f', '-'], text);
    await mustPfctl(this.#machine, ['-a', anchor, '-f', '-'], text);
    if ((await missingCall(this.#machine, anchor)) !== undefined && this.#machine.platform === 'freebsd') {
      this.#record.write({ ...this.#record.holdings, isCalled: true });
      await callAnchor(this.#machine, anchor);
    }
    await this.#enable();
  }

  async #enable(): Promise<void> {
    if (this.#machine.platform !== 'darwin') return;
    const { token } = this.#record.holdings;
    const isEnabled = isPfEnabled(await mustPfctl(this.#machine, ['-s', 'info']));
    // Who disables pf ends all references: ours is another one then.
    if (isEnabled && token !== undefined) return;
    this.#record.write({ ...this.#record.holdings, token: 'pending' });
    try {
      const fresh = await enablePf(this.#machine);
      this.#record.write({ ...this.#record.holdings, token: fresh });
    } catch (error) {
      this.#record.write({ ...this.#record.holdings, token: undefined });
      throw error;
    }
  }

  async #missingRules(anchor: string, plan: OwnedPlan): Promise<string | undefined> {
    const wanted = this.#render(plan).split('\n');
    for (const [what, pattern] of RULES) {
      const shown = await this.#machine.pfctl(['-a', anchor, '-s', what]);
      if (shown.kind === 'refused' && !NO_SUCH_ANCHOR.test(shown.reason))
        throw new RefusedError(shown.reason);
      const found = shown.kind === 'refused' ? [] : shown.output.split('\n');
      const count = (lines: readonly string[]): number => lines.filter((line) => pattern.test(line)).length;
      if (count(found) < count(wanted)) return `pf: those of the anchor ${anchor}`;
    }
    return undefined;
  }
}

/** What `pfctl -s` is asked for, and what it shows of ours. It may show one of our rules as several. */
const RULES = [
  ['nat', /^rdr /],
  ['rules', /^(?:pass|block) /],
] as const;

function mustBeFree(plan: OwnedPlan, others: ReturnType<PfRecords['others']>): void {
  const holder = others.find(
    ({ state, holdings }) =>
      state === 'alive' &&
      'owner' in holdings &&
      holdings.owner !== undefined &&
      isSameOwner(holdings.owner, plan),
  );
  if (holder === undefined) return;
  throw new RefusedError(
    `another tunnel of this user has rules for a listener of this port (process ${holder.pid})`,
  );
}
