import { MEBIBYTE, type Scenario } from './scenario.ts';

/** How long an application waits for a program that is started for it: from exec to the first byte of an answer. */
export const start: Scenario = {
  name: 'start',
  title: 'Start to first byte',
  path: 'veth',
  congestionControl: 'reno',
  peers: { full: ['ssh-L', 'tshuttle'], quick: ['ssh-L', 'tshuttle'] },
  runs: { full: 12, quick: 3 },
  checkedBytes: MEBIBYTE,
  measure: async ({ lab, peer, load, stop, record }) => {
    if (peer.command === undefined) throw new Error(`${peer.name} is more than one program`);
    // Ends the one that has shown that it works, as users do: what it keeps for the next start it keeps at its end.
    await stop();
    await lab.clear();
    record({ name: 'first byte', unit: 'ms', better: 'less' }, [await load.firstByte(peer.command(lab))]);
  },
};
