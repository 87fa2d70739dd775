import { expect, test } from 'vitest';
import { buildModule } from '../../../../support/process/built-module.ts';
import { runCommand } from '../../../../support/process/child.ts';

// A signal that the kernel sent for the last message may come after the end.
test('a SIGIO after the end of the socket does not end the process', async () => {
  const module = await buildModule('src/net/native/netlink/group-socket.ts');
  const program = `
    import { GroupSocket } from './${module}';
    const socket = GroupSocket.open(0, 1);
    socket.listen(() => {});
    socket.close();
    process.kill(process.pid, 'SIGIO');
    setTimeout(() => console.log('alive'), 200);
  `;
  const ended = await runCommand([process.execPath, '--input-type=module', '-e', program]);
  expect(ended, ended.stderr).toMatchObject({ code: 0, signal: null, stdout: 'alive\n' });
});
