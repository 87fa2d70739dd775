import { open } from 'node:fs/promises';

const CHUNK_BYTES = 65_536;

/**
 * Reads a file below /proc or /sys, whose size nobody knows: bytes as characters of Latin-1, none where it cannot be read. The `readFile` of
 * Node.js 20.11's fs/promises takes the first piece for all of it (native-notes/oldest-node.md).
 */
export async function readKernelFile(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return '';
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let text = ''; ; ) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return text;
      text += buffer.toString('latin1', 0, bytesRead);
    }
  } catch {
    return ''; // the process has ended
  } finally {
    await file.close();
  }
}
