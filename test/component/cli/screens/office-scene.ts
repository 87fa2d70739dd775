import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TunnelReport } from '../../../../src/daemon/control/protocol.ts';
import { ControlServer } from '../../../../src/daemon/control/server.ts';
import type {
  FailureCount,
  FlowEnding,
  FlowInfo,
  TunnelStatus,
} from '../../../../src/tunnel/status/status.ts';
import { recordingLogger } from '../../../support/in-process/recording-logger.ts';
import { NOW_MS, reportOf, UP } from '../../../support/in-process/tunnel-reports.ts';
import { fakeTarget } from '../../daemon/fake-target.ts';
import { ToldTunnel } from '../commands/told-tunnel.ts';
import { Home } from '../entry.ts';

const MINUTE_MS = 60_000;

const FAILURE: FailureCount = {
  cause: 'refused',
  count: 2,
  lastAtMs: NOW_MS - 4 * MINUTE_MS - 5_000,
  lastDestination: '10.0.0.9:443',
  advice: 'check the port, and that something listens there',
};

const LOST = {
  code: 'ERR_BASTION_UNREACHABLE',
  message: 'no answer from me@train.example (203.0.113.8:22) within 10 s',
  remedy: 'check that this machine is online; it is tried again by itself',
  atMs: NOW_MS - MINUTE_MS - 5_000,
} as const;

const REFUSED = {
  code: 'ERR_BASTION_AUTH',
  message:
    'me@old.example (203.0.113.9:22) refused the login; tried: ED25519 SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8; it accepts: publickey',
  remedy: 'name the right key with -i FILE',
  atMs: NOW_MS - 3 * MINUTE_MS - 5_000,
} as const;

const flow = (destination: string): Omit<FlowInfo, 'stage' | 'ageMs'> => ({
  destination,
  address: null,
  originator: '192.0.2.1:50000',
  bytesUp: 4_096,
  bytesDown: 1_258_291,
});

/** A tunnel that says what it is told to, each time as of now: ages stay what they are. */
class AgeingTunnel extends ToldTunnel {
  override report() {
    return atNow(this.told) as ReturnType<ToldTunnel['report']>;
  }

  override endings() {
    return atNow(super.endings());
  }
}

/** Every moment of a report, moved as far as this moment is from that of the reports. */
function atNow<T>(report: T): T {
  const later = Date.now() - NOW_MS;
  const text = JSON.stringify(report, (key, value: unknown) =>
    /[aA]tMs$|^sinceMs$/.test(key) && typeof value === 'number' ? value + later : value,
  );
  return JSON.parse(text) as T;
}

/** A state for each thing that a user may see: two that compete, and one in every health. */
const TUNNELS: readonly TunnelReport[] = [
  { ...reportOf('office', { ...UP, failures: [FAILURE], exempt: ['203.0.113.7:22'] }, '10.0.0.0/8') },
  reportOf('lab', { ...UP, bastion: 'me@lab.example (203.0.113.6:22)' }, '10.1.0.0/16', '192.168.7.0/24'),
  reportOf(
    'train',
    waiting(
      'me@train.example (203.0.113.8:22)',
      { kind: 'backoff', retryAtMs: NOW_MS + 5 * MINUTE_MS + 30_000 },
      LOST,
    ),
    '172.16.0.0/16',
  ),
  reportOf(
    'bank',
    waiting('me@bank.example (203.0.113.5:22)', { kind: 'user', why: 'would ask' }, null),
    '172.17.0.0/16',
  ),
  reportOf(
    'old',
    waiting('me@old.example (203.0.113.9:22)', { kind: 'user', why: 'refused' }, REFUSED),
    '172.18.0.0/16',
  ),
  reportOf(
    'strict',
    {
      ...UP,
      bastion: 'me@strict.example (203.0.113.4:22)',
      flows: { now: 0, held: 0, total: 12, opened: 0 },
      failures: [
        {
          ...FAILURE,
          cause: 'prohibited',
          count: 12,
          // Not at the same time as the one before, for the latest is told first.
          lastAtMs: FAILURE.lastAtMs - 1_000,
          lastDestination: '172.19.0.9:443',
          advice:
            'ask for AllowTcpForwarding yes, or PermitOpen for this destination, in sshd_config of the bastion',
        },
      ],
    },
    '172.19.0.0/16',
  ),
];

function waiting(
  bastion: string,
  reason: Extract<TunnelStatus['state'], { kind: 'waiting' }>['for'],
  lastError: TunnelStatus['lastError'],
): TunnelStatus {
  return {
    ...UP,
    bastion,
    state: { kind: 'waiting', sinceMs: NOW_MS - 3 * MINUTE_MS - 5_000, for: reason },
    roundTripMs: null,
    flows: { now: 2, held: 2, total: 9, opened: 7 },
    reconnects: 1,
    lastError,
  };
}

/** The user of these tunnels, on this machine: a home with profiles, and the sockets of what runs. */
export class OfficeScene implements AsyncDisposable {
  readonly home: Home;
  readonly #server: ControlServer;

  private constructor(home: Home, server: ControlServer) {
    this.home = home;
    this.#server = server;
  }

  /** @param names which of the tunnels run; all unless told otherwise */
  static async open(names?: readonly string[]): Promise<OfficeScene> {
    // Always as long: what is shown is broken into lines by that.
    const home = await Home.make('/tmp');
    const tunnels = TUNNELS.filter(({ name }) => names?.includes(name) ?? true).map(
      (report) => new AgeingTunnel(report),
    );
    const [office] = tunnels;
    if (office !== undefined) {
      office.open = [{ ...flow('10.0.0.8:5432'), ageMs: 3_200, stage: 'open' }];
      office.over = [ended('10.0.0.8:5432', 'carried', 'closed by the destination'), REFUSED_FLOW];
    }
    await mkdir(join(home.path, '.config/tshuttle'), { recursive: true });
    await writeFile(join(home.path, '.config/tshuttle/config.yaml'), PROFILES, { mode: 0o600 });
    const server = await ControlServer.open(
      join(home.path, 'run/tshuttle'),
      fakeTarget(...tunnels),
      recordingLogger(),
    );
    return new OfficeScene(home, server);
  }

  get configFile(): string {
    return join(this.home.path, '.config/tshuttle/config.yaml');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    await this.home[Symbol.asyncDispose]();
  }
}

function ended(destination: string, end: string, why: string): FlowEnding {
  return {
    ...flow(destination),
    endedAtMs: NOW_MS - MINUTE_MS - 5_000,
    durationMs: 3_200,
    end: end as FlowEnding['end'],
    why,
  };
}

const REFUSED_FLOW = ended('10.0.0.9:443', 'refused', 'refused: Connection refused');

const PROFILES = `profiles:
  office:
    remote: me@gate.example
    subnets: [10.0.0.0/8]
  stage:
    remote: me@stage.example
    subnets: [192.0.2.0/24]
    zones: [stage.internal]
`;
