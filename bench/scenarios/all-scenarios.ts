import { capture } from './capture.ts';
import { ciphers } from './ciphers.ts';
import { commands } from './commands.ts';
import { connectionRate } from './connection-rate.ts';
import { correctness } from './correctness.ts';
import { idle } from './idle.ts';
import { keyExchange } from './key-exchange.ts';
import { latency } from './latency.ts';
import { linkScenarios } from './links.ts';
import { longPath } from './long-path.ts';
import { names } from './names.ts';
import { openFlows } from './open-flows.ts';
import { packageSize } from './package.ts';
import type { Scenario } from './scenario.ts';
import { soak } from './soak.ts';
import { stalledReaders } from './stalled-readers.ts';
import { start } from './start.ts';
import { throughput } from './throughput.ts';

/** Every scenario, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  correctness,
  start,
  commands,
  packageSize,
  idle,
  throughput,
  ciphers,
  keyExchange,
  connectionRate,
  capture,
  latency,
  names,
  openFlows,
  stalledReaders,
  longPath,
  soak,
  ...linkScenarios,
];
