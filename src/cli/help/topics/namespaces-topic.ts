import { commands, list, paragraph, type Topic } from './topic.ts';

/** Network namespaces of others. */
export const NAMESPACES_TOPIC: Topic = {
  name: 'namespaces',
  summary: 'capturing in another network namespace, as that of a container: --namespace, --namespace-pid',
  blocks: [
    paragraph(
      'What runs in the network namespace is captured, and nothing else: the rules and the listener are in it, ssh and the proxies stay ' +
        'where tshuttle runs. So it needs no way to the bastion itself, only a route to what is captured, any route. TCP and DNS, IPv4 and ' +
        'IPv6, by every method; -L listens in it, too. Nothing of it stays when the tunnel ends.',
    ),
    commands(
      'sudo tshuttle -r me@bastion -i ~/.ssh/id_ed25519 --namespace blue 10.0.0.0/8',
      'tshuttle -r me@bastion --namespace-pid 4711 10.0.0.0/8',
    ),
    list(
      ['--namespace NAME', 'one of ip netns; its loopback must be up: sudo ip -n NAME link set lo up'],
      [
        '--namespace-pid PID',
        "that of a process, by its number on this machine; docker inspect -f '{{.State.Pid}}' NAME prints a container's, and so does podman inspect",
      ],
      [
        'who may',
        'root, and whoever owns the user namespace behind it: rootless Podman and Docker, unshare --user. The kernel decides; the ' +
          'line of tshuttle sudoers does not reach into namespaces. As root, ssh takes the keys and the configuration of root: name yours with -i and -F',
      ],
      [
        'DNS',
        'the nameservers are those of its own resolv.conf, which are asked from within it: /etc/netns/NAME/resolv.conf, or that of the ' +
          'process; without one, those of this machine, from here. Programs that have names resolved by a daemon outside (nss-resolve, nscd) are not seen',
      ],
      [
        'when it goes',
        'the log, status and doctor say so. The kernel keeps it as long as the tunnel is in it; one that is made anew under the same name needs a new start',
      ],
      ['iptables alone', 'rules left behind by a SIGKILL of all: sudo ip netns exec NAME tshuttle cleanup'],
      [
        'not here',
        '--also-from, --udp relay, run. tshuttle run --isolated makes a namespace of its own, without root',
      ],
    ),
  ],
};
