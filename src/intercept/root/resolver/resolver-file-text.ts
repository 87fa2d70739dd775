import {
  formatRuleOwner,
  parseRuleOwner,
  RULE_OWNER_PATTERN,
  type RuleOwner,
} from '../../rules/redirect-plan.ts';

const MARK = new RegExp(`^# tshuttle ${RULE_OWNER_PATTERN}: `);

/** What stands in the file of a zone (resolver(5)). Its first line says that it is ours, and whose. */
export function resolverFileText(owner: RuleOwner, port: number): string {
  return [
    `# tshuttle ${formatRuleOwner(owner)}: it removes this file when it ends, and "tshuttle cleanup" does`,
    'nameserver 127.0.0.1',
    `port ${port}`,
    '',
  ].join('\n');
}

/** Whose a file is; undefined: none of ours. */
export function ownerOfResolverFile(text: string): RuleOwner | undefined {
  const [, userId, listenerPort] = MARK.exec(text) ?? [];
  return userId === undefined || listenerPort === undefined
    ? undefined
    : parseRuleOwner(userId, listenerPort);
}
