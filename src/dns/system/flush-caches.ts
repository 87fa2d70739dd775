import { type ResolvectlOptions, resolvectl } from './resolvectl.ts';

/**
 * Makes systemd-resolved forget its answers, as every user may (native-notes/dns-redirect.md): before a tunnel it may have
 * learned that a name of a zone does not exist, and after it, addresses that lead nowhere any more. Does nothing where it
 * does not run. Never rejects.
 */
export async function flushSystemCaches(options: Partial<ResolvectlOptions> = {}): Promise<void> {
  await resolvectl(['flush-caches'], options);
}
