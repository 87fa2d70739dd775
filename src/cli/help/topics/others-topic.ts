import { commands, list, paragraph, type Topic } from './topic.ts';

/** Connections that are not this machine's own. */
export const OTHERS_TOPIC: Topic = {
  name: 'others',
  summary: 'containers, virtual machines and other machines that send through this one: --also-from',
  blocks: [
    paragraph(
      'By itself tshuttle captures what this machine opens. --also-from has it capture what others send through this machine, too: by the ' +
        'interface that it comes in by, or by the network that it comes from. TCP and captured DNS queries, IPv4 and IPv6, on Linux, ' +
        'by nft and by iptables. It is repeatable, and a list also_from in a profile; status and explain name it.',
    ),
    commands(
      "tshuttle -r bastion --also-from docker0 --also-from 'br-*' 10.0.0.0/8",
      'tshuttle -r bastion --also-from eth1 --domain internal.example 10.0.0.0/8',
      'tshuttle -r bastion --also-from 192.168.50.0/24 10.0.0.0/8',
    ),
    list(
      [
        'docker0',
        "Docker's default bridge; br-* its other networks, and those of Docker Compose, kind and minikube",
      ],
      [
        'podman*, cni0, cni-*',
        'Podman as root, and Kubernetes; rootless Podman and Docker run as you, and are captured anyway',
      ],
      ['virbr*, lxdbr0, incusbr0', 'virtual machines of libvirt, LXD and Incus'],
      ['eth1, 192.168.50.0/24', 'other machines for which this one is the router (net.ipv4.ip_forward)'],
    ),
    paragraph(
      'An interface that appears later is captured as soon as it is up; so is one that comes back. A * stands at the end of a name only. ' +
        'Of a network, what comes in by the interfaces that have an address in it, or the route to it, is accepted.',
    ),
    paragraph(
      'Left alone is what goes to this machine itself, to what is on the link of such an interface (one container to another), to what -x ' +
        'excludes and to the bastion, and all that comes in by other interfaces.',
    ),
    list(
      [
        'who can use the tunnel',
        'whoever can send through those interfaces, and nobody else: the listener there takes only what comes in by that ' +
          'interface (SO_BINDTODEVICE, Linux 5.7), and resets a connection that was made to it directly. Addresses of loopback stay ' +
          'where they are: route_localnet is never switched on. No login is asked for, so name no interface whose machines you do not trust',
      ],
      [
        'DNS',
        'queries to the nameservers of this machine (or those of --ns-hosts) are answered as its own are. Containers of Docker’s ' +
          'default bridge ask those. In its other networks they ask 127.0.0.11, which asks on from within the container, and so by the ' +
          'bridge, or from this machine where the nameserver is one of its loopback. What asks this machine (dnsmasq of ' +
          'libvirt, aardvark-dns of Podman) gets what this machine gets. Any other nameserver: --ns-hosts',
      ],
      [
        'Docker’s rules',
        'are not in the way: what is redirected comes in, and DOCKER-USER, FORWARD and the drops in raw are for what is forwarded to containers',
      ],
      ['firewalld', 'admits what was redirected by itself (ct status dnat accept), in every zone'],
      [
        'ufw, and a policy drop in INPUT',
        'keep it out, and no rule of ours can change that. tshuttle says so, with the rule to add, as in: sudo iptables -I INPUT -i ' +
          'docker0 -m conntrack --ctstate DNAT -j ACCEPT. It admits what was redirected, and no connection made to this machine',
      ],
      [
        '-l 0.0.0.0',
        'as sshuttle has it for all the world is not: name whose connections are captured. -l PORT chooses the port of the listeners',
      ],
      ['not here', 'pf (macOS, FreeBSD); run --isolated; ICMP and UDP other than DNS'],
    ),
  ],
};
