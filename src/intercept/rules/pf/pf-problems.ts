import type { Problem } from '../../../core/problem.ts';
import { addressToNumber, familyOf } from '../../../net/address/literal.ts';
import { formatTrafficSource } from '../../../net/address/traffic-source.ts';
import type { RedirectPlan } from '../redirect-plan.ts';

/** What a plan asks for that pf cannot do, each with its remedy; the rest of the plan is rendered without it. */
export function pfProblems(plan: RedirectPlan): readonly Problem[] {
  return [...othersProblems(plan), ...cgroupProblems(plan), ...nameserverProblems(plan)];
}

function cgroupProblems({ only }: RedirectPlan): readonly Problem[] {
  const cgroups = new Set((only ?? []).flatMap(({ cgroup }) => (cgroup === null ? [] : [cgroup])));
  return [...cgroups].map((cgroup) => ({
    where: `control group ${cgroup}`,
    what: 'pf knows no control groups, and nothing is captured for this one; choose programs by --user or --group',
  }));
}

function othersProblems({ alsoFrom }: RedirectPlan): readonly Problem[] {
  return (alsoFrom?.sources ?? []).map((source) => ({
    where: `--also-from ${formatTrafficSource(source)}`,
    what: "pf captures this machine's own connections only; run tshuttle on a Linux machine that others send through",
  }));
}

function nameserverProblems(plan: RedirectPlan): readonly Problem[] {
  return (plan.dns?.redirects ?? [])
    .filter(({ nameserver }) => isLinkLocal6(nameserver))
    .map(({ nameserver }) => ({
      where: `nameserver ${nameserver}`,
      what: 'pf cannot redirect queries to a link-local address; name the same nameserver by another address, with --ns',
    }));
}

/** The kernel writes the interface into such an address, where no table has it. */
export function isLinkLocal6(address: string): boolean {
  return familyOf(address) === 6 && addressToNumber(6, address) >> 118n === 0xfe80n >> 6n;
}
