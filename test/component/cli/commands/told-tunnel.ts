import type { TunnelReport } from '../../../../src/daemon/control/protocol.ts';
import type { FlowEnding, FlowInfo } from '../../../../src/tunnel/status/status.ts';
import { FakeTunnel } from '../../daemon/fake-target.ts';

/** A tunnel that says what it is told to. */
export class ToldTunnel extends FakeTunnel {
  told: TunnelReport;
  open: readonly FlowInfo[] = [];
  over: readonly FlowEnding[] = [];

  constructor(report: TunnelReport) {
    super(report.name);
    this.told = report;
  }

  override report() {
    return this.told as ReturnType<FakeTunnel['report']>;
  }

  override flows() {
    return [...this.open];
  }

  override endings() {
    return [...this.over] as never[];
  }
}
