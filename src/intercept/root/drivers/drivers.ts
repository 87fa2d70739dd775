import {
  type Candidate,
  type CandidateOf,
  type InterceptMethod,
  methodOf,
  methodsOn,
} from '../../rules/redirect-methods.ts';
import type { MethodDriver } from './backend/method-driver.ts';
import type { RuleBackend } from './backend/rule-backend.ts';
import { IPTABLES_DRIVER } from './iptables/iptables-driver.ts';
import { NFT_DRIVER } from './nft/nft-driver.ts';
import { PF_DRIVER } from './pf/pf-driver.ts';
import { TPROXY_DRIVER } from './tproxy/tproxy-driver.ts';

/** How the root process carries out each method. */
const DRIVERS: { readonly [M in InterceptMethod]: MethodDriver<CandidateOf<M>> } = {
  nft: NFT_DRIVER,
  iptables: IPTABLES_DRIVER,
  tproxy: TPROXY_DRIVER,
  pf: PF_DRIVER,
};

/** The driver of a candidate. */
export function driverOf(candidate: Candidate): MethodDriver {
  return DRIVERS[methodOf(candidate)];
}

/** The drivers of the methods that this system has. */
export function driversHere(): readonly MethodDriver[] {
  return methodsOn(process.platform).map(({ name }) => DRIVERS[name]);
}

/** {@link MethodDriver.open} of a candidate. @throws RefusedError */
export function openBackend(candidate: Candidate): RuleBackend | Promise<RuleBackend> {
  return driverOf(candidate).open(candidate);
}
