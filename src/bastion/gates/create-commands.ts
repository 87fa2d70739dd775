import { allowedOrPrivate } from '../allowed.ts';
import type { BastionSetup } from '../setup.ts';
import { renderUserData } from '../user-data.ts';
import { managementAccountOf } from './gate-places.ts';

/** Where a cloud is to make a gate; each is a word of the openstack command. */
export interface GatePlace {
  /** What the gate is called, in the cloud and here. */
  readonly name: string;
  /** The tenant's network, behind it. */
  readonly network: string;
  /** The network that its floating address is of. */
  readonly external: string;
  readonly image: string;
  readonly flavor: string;
}

/** What is wrong with a word that stands in commands; undefined where nothing is. */
export function whyNoWord(text: string): string | undefined {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/.test(text)
    ? undefined
    : 'may have letters, digits, dot, dash and underscore only; give its UUID instead';
}

/**
 * The commands that make a gate on the network of a tenant, for a shell; they are printed, and run by nobody but the reader.
 *
 * @param setup of the kind `gate`, as `problemsOfSetup` takes it
 */
export function renderCreateCommands(setup: BastionSetup, place: GatePlace): string {
  const { name, network, external, image, flavor } = place;
  const account = managementAccountOf(setup.user);
  return `# Creates a gate on ${network}. Run it with sh, where the cloud's credentials are set (OS_CLOUD).
set -eu
cat >${name}-user-data <<'END_OF_USER_DATA_OF_TSHUTTLE'
${renderUserData({ ...setup, allowed: allowedOrPrivate(setup.allowed) })}END_OF_USER_DATA_OF_TSHUTTLE
openstack security group create ${name}
openstack security group rule create --ingress --protocol tcp --dst-port 22 ${name}
openstack server create --image ${image} --flavor ${flavor} --network ${network} --security-group ${name} \\
  --user-data ${name}-user-data --wait ${name}
address=$(openstack floating ip create -f value -c floating_ip_address ${external})
openstack server add floating ip ${name} "$address"
# The fingerprints of its host keys, to compare with what ssh shows:
openstack console log show ${name} | grep -A 8 'SSH HOST KEY FINGERPRINTS' || true
# The private key of --management-key is the only thing left to name.
echo "tshuttle gate add ${name} -r ${setup.user}@$address --management-user ${account} --management-key KEY"
`;
}
