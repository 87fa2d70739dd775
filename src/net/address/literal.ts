/**
 * The 4 or 16 bytes of a literal address that `net.isIP` has accepted, without a zone, in network order.
 *
 * Without any package: the root process uses it.
 */
export function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const [before, after] = [groupBytes(head), groupBytes(tail ?? '')];
  return Buffer.from([...before, ...new Array<number>(16 - before.length - after.length).fill(0), ...after]);
}

/** Two bytes for each group; an embedded dotted IPv4 part has four. */
function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
