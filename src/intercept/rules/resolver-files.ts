import { parseZone } from '../../net/address/zone.ts';

/**
 * Zones whose names a system is to ask us for by itself, without any rule: macOS does where there is a file /etc/resolver/ZONE
 * (native-notes/macos-dns.md).
 */
export interface ResolverFiles {
  /** As {@link isZoneName} has them: nothing that could be a path. */
  readonly zones: readonly string[];
  /** Where we answer on 127.0.0.1, by UDP and TCP. */
  readonly port: number;
}

/** Why a zone has no file of a tunnel. */
export const LEFT_ZONE_REASONS = ['foreign file', 'other tunnel', 'refused'] as const;

/** A zone that has no file of ours: its queries are captured as others are. */
export interface LeftZone {
  readonly zone: string;
  readonly why: (typeof LEFT_ZONE_REASONS)[number];
}

/** As many zones at most have files; others are captured. */
export const MAX_RESOLVER_FILES = 128;

/** Whether it is the name of a zone, as a file is called by it: labels of lower-case letters, digits, - and _, with dots between. */
export function isZoneName(text: string): boolean {
  const zone = parseZone(text);
  return zone?.name === text && zone.includes === 'itself-and-below';
}
