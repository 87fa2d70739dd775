import { startCpuMeter } from '../measure/cpu-meter.ts';
import { KEY_EXCHANGE_PEERS } from '../peers/key-exchanges.ts';
import { MEBIBYTE, type Scenario } from './scenario.ts';

/** What keys that a quantum computer does not break cost at a start, in time and CPU; that of another Node.js by a run with it. */
export const keyExchange: Scenario = {
  name: 'key-exchange',
  title: 'Key exchange',
  path: 'veth',
  congestionControl: 'reno',
  sshd: 'newer',
  peers: { full: ['ssh-L', ...KEY_EXCHANGE_PEERS.map(({ name }) => name)], quick: [] },
  runs: { full: 12, quick: 0 },
  checkedBytes: MEBIBYTE,
  measure: async ({ lab, peer, load, stop, record }) => {
    if (peer.command === undefined) throw new Error(`${peer.name} is more than one program`);
    await stop();
    await lab.clear();
    record({ name: 'first byte', unit: 'ms', better: 'less' }, [await load.firstByte(peer.command(lab))]);
    await lab.clear();
    const meter = await startCpuMeter(lab);
    const running = await peer.start(lab);
    const { clientSeconds } = await meter.stop();
    record({ name: 'client CPU until it is ready', unit: 'ms', better: 'less' }, [clientSeconds * 1000]);
    await running.stop();
  },
};
