import { type CaptureRule, rulesOverlap } from '../net/address/capture-rule.ts';
import { isWithin } from '../net/address/cidr.ts';

/**
 * Whether rules that hold capture all that others would. Never yes by mistake; it may say no where several rules cover one
 * together.
 */
export function covers(held: readonly CaptureRule[], asked: readonly CaptureRule[]): boolean {
  const includes = asked.filter(({ action }) => action === 'include');
  const excludes = asked.filter(({ action }) => action === 'exclude');
  return includes.every(
    (wanted) =>
      held.every(
        (rule) =>
          rule.action === 'include' || !rulesOverlap(rule, wanted) || isLeftOut(rule, wanted, excludes),
      ) && held.some((rule) => rule.action === 'include' && isIn(wanted, rule)),
  );
}

/** Whether what is left out of an include by the rules that hold is left out of it by those that are asked for, too. */
function isLeftOut(left: CaptureRule, wanted: CaptureRule, excludes: readonly CaptureRule[]): boolean {
  // The narrower rule decides: an exclude that is not in the include may come after it.
  return excludes.some((exclude) => isIn(left, exclude) && isIn(exclude, wanted));
}

function isIn(inner: CaptureRule, outer: CaptureRule): boolean {
  return (
    isWithin(inner.cidr, outer.cidr) &&
    inner.ports.first >= outer.ports.first &&
    inner.ports.last <= outer.ports.last
  );
}
