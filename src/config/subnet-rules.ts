import type { SubnetRule } from './config.ts';
import { hasZone } from './dns.ts';
import type { Findings } from './findings.ts';
import { proxyCount } from './listeners.ts';
import type { ToAbsolute } from './named-files.ts';
import type { PlaceOf } from './place.ts';
import type { ConfigSurroundings, RawOptions } from './raw-options.ts';
import { parseSubnet } from './subnet.ts';
import { parseSubnetFile } from './subnet-file.ts';

interface SubnetContext {
  readonly findings: Findings;
  readonly placeOf: PlaceOf;
  readonly toAbsolute: ToAbsolute;
  readonly readTextFile: ConfigSurroundings['readTextFile'];
  readonly mayCaptureNothing: boolean;
}

/** What is captured and what never is, of the command line and the files it names. */
export function parseSubnetRules(raw: RawOptions, context: SubnetContext): SubnetRule[] {
  const { findings, placeOf } = context;
  // A zone is something to capture, and so is a cloud; proxies need nothing captured.
  const hasOther =
    context.mayCaptureNothing || hasZone(raw) || raw.openstack !== undefined || proxyCount(raw) > 0;
  if (raw.subnets.length === 0 && raw.subnetFiles.length === 0 && !hasOther) {
    findings.wrong(
      placeOf('SUBNET'),
      'is missing; say what to capture, as in 10.0.0.0/24, or 0/0 for every IPv4 address',
    );
  }
  const catalogs = typeof raw.openstackCatalog === 'string' ? [raw.openstackCatalog] : [];
  if ([...raw.subnetFiles, ...raw.excludeFiles, ...catalogs].filter((path) => path === '-').length > 1) {
    findings.wrong('-', 'is given as a file more than once, but standard input can be read only once');
    return [];
  }
  const rules = [
    ...raw.subnets.flatMap((text) => subnetRule('include', text, placeOf('SUBNET', text), findings)),
    ...raw.subnetFiles.flatMap((path) => rulesOfFile('include', '-s', path, context)),
    ...raw.excludes.flatMap((text) => subnetRule('exclude', text, placeOf('-x', text), findings)),
    ...raw.excludeFiles.flatMap((path) => rulesOfFile('exclude', '-X', path, context)),
  ];
  const isBroken = findings.problems.length > 0;
  if (!isBroken && !hasOther && !rules.some((rule) => rule.action === 'include')) {
    findings.badFile(placeOf('-s', raw.subnetFiles.join(' -s ')), 'holds no subnet');
  }
  return rules;
}

function subnetRule(
  action: SubnetRule['action'],
  text: string,
  where: string,
  findings: Findings,
): SubnetRule[] {
  const subnet = parseSubnet(text);
  if (subnet.kind !== 'invalid') return [{ action, subnet, where }];
  findings.wrong(where, subnet.what);
  return [];
}

function rulesOfFile(
  action: SubnetRule['action'],
  option: string,
  path: string,
  { findings, placeOf, toAbsolute, readTextFile }: SubnetContext,
): SubnetRule[] {
  const file = readTextFile(path === '-' ? path : toAbsolute(path));
  if (file.kind === 'unreadable') {
    findings.badFile(placeOf(option, path), file.what);
    return [];
  }
  const { entries, problems } = parseSubnetFile(path === '-' ? 'standard input' : path, file.text);
  for (const { where, what } of problems) findings.badFile(where, what);
  return entries.map(({ subnet, where }) => ({ action, subnet, where }));
}
