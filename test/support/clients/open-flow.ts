import { ADDRESSES } from '../lab/lab.ts';

/** For bash: a flow that the destination has answered on, `open`, and that stays. */
export const OPEN_FLOW = `exec 3<>/dev/tcp/${ADDRESSES.destination4}/7000
printf '{"do":"echo"}\\nopen\\n' >&3
cat <&3`;
