/**
 * Most address intervals in one plan, over all groups and both families.
 *
 * 20,000 networks make at most 40,001 intervals in one port group; this leaves room for three such groups, and keeps
 * the largest plan (120 bytes an IPv6 interval as JSON) within the helper's 16 MiB line.
 */
export const MAX_INTERVALS = 131_072;

/** Most port groups in one plan: each costs one rule per family that every new connection is compared with. */
export const MAX_GROUPS = 4_096;

/** Most nameservers whose queries are redirected: libc asks 3, and a link of systemd-resolved has hardly more. */
export const MAX_NAMESERVERS = 64;

/** Most source ports whose queries pass: a few for each family. */
export const MAX_EXEMPT_PORTS = 64;

/** Most networks on the links of others' interfaces: two or three for each of some dozens of bridges. */
export const MAX_LINKS = 256;

/** Most endpoints that are never captured: bastions and jump hosts with all their addresses are a few dozen. */
export const MAX_EXEMPT = 1_024;

/**
 * Most tables that the rules of one plan have in pf, and most entries of them all. The kernel takes 1,000 tables and 200,000 entries
 * of all programs together, and while rules replace others it has both (native-notes/pf.md).
 */
export const MAX_PF_TABLES = 400;
/** See {@link MAX_PF_TABLES}. */
export const MAX_PF_ENTRIES = 90_000;
