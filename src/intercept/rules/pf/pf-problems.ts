import type { Problem } from '../../../core/problem.ts';
import { addressToNumber, familyOf } from '../../../net/address/literal.ts';
import type { RedirectPlan } from '../redirect-plan.ts';

/** What a plan asks for that pf cannot do, each with its remedy; the rest of the plan is rendered without it. */
export function pfProblems(plan: RedirectPlan): readonly Problem[] {
  return [...cgroupProblems(plan), ...nameserverProblems(plan)];
}

function cgroupProblems({ only }: RedirectPlan): readonly Problem[] {
  const cgroups = new Set((only ?? []).flatMap(({ cgroup }) => (cgroup === null ? [] : [cgroup])));
  return [...cgroups].map((cgroup) => ({
    where: `control group ${cgroup}`,
    what: 'pf knows no control groups, and nothing is captured for this one; choose programs by --user or --group',
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

/** Whether the kernel writes the interface into an address, where no table has it. */
export function isLinkLocal6(address: string): boolean {
  return familyOf(address) === 6 && addressToNumber(6, address) >> 118n === 0xfe80n >> 6n;
}
