import type { ControlledTunnel, ControlTarget, Person } from '../../../src/daemon/control/control-target.ts';
import type { HostPort } from '../../../src/net/address/endpoint.ts';
import type { FlowInfo } from '../../../src/tunnel/status/status.ts';

/** A flow as `flows` lists it. */
export const FLOW: FlowInfo = {
  destination: '10.0.0.8:5432',
  address: null,
  originator: '192.0.2.1:50000',
  ageMs: 5,
  stage: 'open',
  bytesUp: 1,
  bytesDown: 2,
};

/** A tunnel that only notes what is done with it. */
export class FakeTunnel implements ControlledTunnel {
  readonly name: string;
  readonly done: string[] = [];
  /** What a login does. */
  onLogin = async (_person: Person, _signal: AbortSignal): Promise<void> => {};

  constructor(name: string) {
    this.name = name;
  }

  async checkCapture(): Promise<void> {}

  report() {
    return {
      name: this.name,
      profileFile: null,
      bastionKey: '',
      catalogKey: null,
      programs: null,
      logFile: null,
      captured: null,
      rules: [],
      ruleCount: 0,
      status: null,
    };
  }

  flows(limit: number) {
    return Array.from({ length: limit }, () => FLOW);
  }

  endings() {
    return [];
  }

  async reach(place: HostPort | undefined) {
    this.done.push(`reach ${place === undefined ? 'its own' : `${place.host} ${place.port}`}`);
  }

  async down() {
    this.done.push('down');
  }

  async reload() {
    this.done.push('reload');
    return { applied: ['subnets'], needRestart: [], warnings: [] };
  }

  async login(person: Person, signal: AbortSignal) {
    await this.onLogin(person, signal);
  }
}

/** A process with these tunnels. */
export function fakeTarget(...tunnels: readonly FakeTunnel[]): ControlTarget {
  return { info: { pid: process.pid, version: '1.2.3', startedAtMs: 1 }, tunnels };
}
