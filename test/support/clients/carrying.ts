import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { HTTP_PORT, type Lab } from '../lab/lab.ts';

/** What is behind a bastion. */
export interface Destination {
  readonly host: string;
  /** Whom the destination must see as the peer. */
  readonly seenAs: string;
}

/**
 * Checks that a running tshuttle carries 200 flows at once, each byte as it was sent and each direction to its own end.
 *
 * @param endsBoth `--openssh-carry handover`, by which the end of the destination is that of the application, too
 */
export async function expectToCarry(
  lab: Lab,
  { host, seenAs }: Destination,
  endsBoth?: 'handover',
): Promise<void> {
  expect(await lab.application({ do: 'whoami', host, port: 7000 })).toMatchObject({ peer: seenAs });
  const both = await lab.application({ do: 'both', host, port: 7000, bytes: 100_000, count: 200 });
  expect(both).toMatchObject({ exact: true, received: 20_000_000, sent: 20_000_000 });
  // By the seed the destination knows which of several it is asked about.
  const farewell = { do: 'farewell', host, port: 7000, seed: randomUUID(), bytes: 1_000_000 } as const;
  const late = await lab.application(farewell);
  if (endsBoth === undefined) expect(late).toMatchObject({ exact: true, sent: 1_000_000 });
  else expect(late).not.toMatchObject({ exact: true });
  const requests = { do: 'http', host, port: HTTP_PORT, count: 200, concurrency: 200 } as const;
  expect(await lab.application(requests)).toMatchObject({ succeeded: 200, peers: [seenAs] });
}
