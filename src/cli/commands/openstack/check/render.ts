import { formatHostPort } from '../../../../net/address/endpoint.ts';
import { describeOutcome } from '../../../../openstack/https/verdict.ts';
import { type Finding, note, ok, problem } from '../../doctor/finding.ts';
import type { CloudFinding } from './check-cloud.ts';

/** The findings about a cloud, in the words of `tshuttle doctor`. */
export function findingOf(found: CloudFinding): Finding {
  if (found.kind === 'missing-catalog') {
    const make = found.isProblem ? problem : note;
    return make('catalog', found.why, found.remedy ?? 'until then only auth_url is checked');
  }
  const { host, port, services, verdict, sentence, remedy, direct, throughBastion } = found.endpoint;
  const ways = `directly: ${describeOutcome(direct)}, through the bastion: ${describeOutcome(throughBastion)}`;
  const what = `${formatHostPort(host, port)}: ${sentence} (${ways})`;
  const check = services.filter((type) => type !== '').join(', ') || 'service';
  return verdict === 'works' ? ok(check, what) : problem(check, what, remedy ?? '');
}
