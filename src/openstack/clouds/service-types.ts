/** The former names of services that have had others (service-types.openstack.org, as of os-service-types 1.7), the latest first. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  'admin-logic': ['registration'],
  alarm: ['alarming'],
  'application-container': ['container'],
  'application-deployment': ['application_deployment'],
  baremetal: ['bare-metal'],
  'block-storage': ['volumev3', 'volumev2', 'volume', 'block-store'],
  clustering: ['resource-cluster', 'cluster'],
  'container-infrastructure-management': ['container-infrastructure', 'container-infra'],
  event: ['events'],
  'instance-ha': ['ha'],
  message: ['messaging'],
  meter: ['metering', 'telemetry'],
  'monitoring-logging': ['monitoring-log-api'],
  'multi-region-network-automation': ['tricircle'],
  'operator-policy': ['policy'],
  'resource-optimization': ['infra-optim'],
  'root-cause-analysis': ['rca'],
  'shared-file-system': ['sharev2', 'share'],
  workflow: ['workflowv2'],
};

/** The name that a service has today, of any that it has had, also as it begins a key (`block_storage`). */
export function officialType(name: string): string {
  const wanted = inKey(name);
  for (const [official, former] of Object.entries(ALIASES)) {
    if ([official, ...former].some((one) => inKey(one) === wanted)) return official;
  }
  return wanted.replaceAll('_', '-');
}

/** How keys of a cloud that are about a service may begin, the ones that count first. */
export function keyPrefixes(official: string): readonly string[] {
  return [official, ...(ALIASES[official] ?? [])].map(inKey);
}

function inKey(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}
