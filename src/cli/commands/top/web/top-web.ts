import { randomBytes } from 'node:crypto';
import { FlowPrograms } from '../../../../app/running-tunnels/flow-programs.ts';
import type { CommandSession } from '../../../command/command-definition.ts';
import { TunnelLooks } from '../document/tunnel-looks.ts';
import { withPrograms } from '../document/with-programs.ts';
import { LiveLooks } from './live-looks.ts';
import { servePage } from './serve-page.ts';

const TOKEN_BYTES = 32;

/** For people. */
const HINT =
  'tshuttle: open it in a browser on this machine; whoever has this address sees your tunnels, and can change nothing (Ctrl-C ends it)';

/**
 * Serves the page until it is to end, and prints its address. The token is in the fragment, which a browser sends to nobody: others on
 * this machine may listen at another port of it, and a cookie would go to all of them (native-notes/browser-loopback.md).
 *
 * @param names of the tunnels that it shows; without names all
 * @param port 0: any
 * @returns the exit code
 * @throws TshuttleError ERR_USAGE for a name that no tunnel and no profile has; ERR_LISTEN
 */
export async function topWeb(
  names: readonly string[],
  port: number,
  { process: { environment, stop }, print }: Pick<CommandSession, 'process' | 'print'>,
): Promise<number> {
  const looks = new TunnelLooks(names, environment);
  const { tunnels } = await looks.look();
  const programs = FlowPrograms.open(tunnels.map(({ pid }) => pid));
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const live = new LiveLooks(async () => await withPrograms(await looks.look(), programs));
  try {
    const server = await servePage(port, token, live);
    try {
      print(`http://127.0.0.1:${server.port}/#${token}\n`);
      if (process.stderr.isTTY === true) process.stderr.write(`${HINT}\n`);
      return await stop.requested;
    } finally {
      server.close();
    }
  } finally {
    programs?.close();
  }
}
