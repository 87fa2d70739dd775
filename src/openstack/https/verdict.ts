/** What a request to a service led to, in one of two ways: directly, or through the bastion. */
export type Outcome =
  | { readonly kind: 'answers'; readonly status: number }
  /** The name has no address there. */
  | { readonly kind: 'unknown-name' }
  /** The connection was refused, by the host or on the way. */
  | { readonly kind: 'refused' }
  /** Nothing came back in time. */
  | { readonly kind: 'silent' }
  /** sshd does not allow the connection. */
  | { readonly kind: 'prohibited' }
  /** There is no connection to the bastion, or it went away. */
  | { readonly kind: 'no-tunnel'; readonly why: string }
  /** The certificate is for other names. */
  | { readonly kind: 'tls-name'; readonly why: string }
  | { readonly kind: 'tls-untrusted'; readonly why: string }
  /** It was connected, and then something else went wrong. */
  | { readonly kind: 'broken'; readonly why: string };

/** The problem with a service, if any. */
type Verdict =
  | 'works'
  | 'not-on-allow-list'
  | 'tunnel-broken'
  | 'tls-name-mismatch'
  | 'tls-untrusted'
  | 'unknown-name'
  | 'forwarding-prohibited'
  | 'nothing-listens'
  | 'broken';

/** The verdict on a service, the same in a sentence, and what the user can do; null when there is nothing to do. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly sentence: string;
  readonly remedy: string | null;
}

const REMEDIES: Readonly<Record<Verdict, string | null>> = {
  works: null,
  'not-on-allow-list':
    "ask who runs the cloud to admit the bastion's address, as the bastion is seen from there",
  'tunnel-broken': 'tshuttle doctor -r BASTION tells what keeps the tunnel from working',
  'tls-name-mismatch': 'use the name that the certificate has, or ask who runs the cloud',
  'tls-untrusted': 'name the file of its certificate authority: cacert in clouds.yaml, or OS_CACERT',
  'unknown-name': "check the name, and the bastion's resolver",
  'forwarding-prohibited':
    "ask the bastion's administrator: AllowTcpForwarding yes, and the place in PermitOpen",
  'nothing-listens': 'check the host and the port, and that the service runs',
  broken: 'ask who runs the cloud',
};

/** Judges a service by what came of it directly and through the bastion. */
export function judge(direct: Outcome, through: Outcome): Judgement {
  const [verdict, sentence] = decide(direct, through);
  return { verdict, sentence, remedy: REMEDIES[verdict] };
}

type Decision = readonly [verdict: Verdict, sentence: string];

function decide(direct: Outcome, through: Outcome): Decision {
  switch (through.kind) {
    case 'answers':
      return answered(through.status, direct);
    case 'no-tunnel':
      return ['tunnel-broken', `the tunnel is broken: ${through.why}`];
    case 'tls-name':
      return ['tls-name-mismatch', `TLS name mismatch: ${through.why}`];
    case 'tls-untrusted':
      return ['tls-untrusted', through.why];
    case 'unknown-name':
      return ['unknown-name', 'the bastion does not know the name'];
    case 'prohibited':
      return [
        'forwarding-prohibited',
        "the bastion's sshd does not allow connections there (AllowTcpForwarding, PermitOpen)",
      ];
    case 'silent':
      return [
        'not-on-allow-list',
        "the bastion's address is not on the allow-list: what it sends is dropped",
      ];
    case 'refused':
      return direct.kind === 'answers'
        ? [
            'not-on-allow-list',
            "the bastion's address is not on the allow-list: it is refused, and this machine is not",
          ]
        : ['nothing-listens', 'nothing listens there, or the bastion is refused'];
    case 'broken':
      return ['broken', through.why];
  }
}

function answered(status: number, direct: Outcome): Decision {
  if (status === 403) return forbidden(direct);
  if (status >= 500) return ['broken', `it is reached, and answers ${status}`];
  return ['works', direct.kind === 'answers' ? 'works, and without the bastion too' : 'works'];
}

/** A load balancer with the allow-list in it accepts everybody's connection. */
function forbidden(direct: Outcome): Decision {
  return [
    'not-on-allow-list',
    direct.kind === 'answers' && direct.status !== 403
      ? "the bastion's address is not on the allow-list: it gets 403, and this machine does not"
      : "perhaps the bastion's address is not on the allow-list: it gets 403",
  ];
}

/** An outcome in a few words. */
export function describeOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'answers':
      return `answers ${outcome.status}`;
    case 'unknown-name':
      return 'name unknown';
    case 'refused':
      return 'refused';
    case 'silent':
      return 'no answer';
    case 'prohibited':
      return 'prohibited';
    case 'no-tunnel':
      return 'not tried';
    case 'tls-name':
    case 'tls-untrusted':
      return 'certificate not accepted';
    case 'broken':
      return 'breaks off';
  }
}
