import { type Block, commands, list, paragraph } from './topic.ts';

/** The part of the page about bastions that is for whoever owns one: what it must and must not allow, and how it is built. */
export const BUILDING_BLOCKS: readonly Block[] = [
  paragraph(
    'Building a bastion. All that tshuttle needs is an account that may forward: AllowTcpForwarding local. What stands beside it by ' +
      'default is more than that: a shell, SFTP, listening there, what listens on the bastion itself, and the metadata service of its ' +
      'cloud (169.254.169.254, 169.254.170.2), which gives the credentials of its role to whoever may tunnel. tshuttle bastion init ' +
      'prints a bastion without these, for an account named tunnel:',
  ),
  commands(
    'tshuttle bastion init --for debian --key ~/.ssh/id_ed25519.pub --allow 10.0.0.0/8 --output bastion',
    'scp bastion/install.sh me@machine: && ssh -t me@machine sudo sh install.sh',
    'tshuttle bastion audit -r tunnel@machine 10.0.0.8:5432',
    'tshuttle run -r tunnel@machine 10.0.0.0/8 -- psql -h 10.0.0.8',
    'tshuttle bastion init --for cloud-init --key ~/.ssh/id_ed25519.pub > user-data',
    'openstack server create --image debian-13 --flavor FLAVOR --network NETWORK --key-name YOURS --user-data user-data bastion',
    'tshuttle bastion init --for container --key ~/.ssh/id_ed25519.pub --allow db.internal:5432 --output image',
  ),
  list(
    [
      '--allow',
      'networks become rules of nft for what the account opens (meta skuid); hosts with a port become PermitOpen, which knows no networks. ' +
        'The credentials of clouds and the bastion itself are refused always. In a container it is PermitOpen alone: hosts, or one port ' +
        'of a network, whose other hosts the platform’s firewall has to refuse',
    ],
    [
      '--totp',
      'a key and then a code. The PAM file asks for the code and nothing else: a line that is only appended to /etc/pam.d/sshd asks for a ' +
        'password, too. install.sh on a terminal shows the secret once; without one nobody gets in',
    ],
    [
      '--fail2ban',
      'counts connections of known users that end without a login, ten in ten minutes; Debian’s own filter counts no wrong key of theirs',
    ],
    [
      '--audit-log',
      'a line of the kernel’s log for each destination (journalctl -k), with the number of the account, before the packet goes; sshd names none. ' +
        'What is too much to be logged is refused. In a container sshd logs at DEBUG1',
    ],
    [
      'your own account',
      'on that machine keeps its shell; passwords and root are refused for everybody, and install.sh stops where that would lock you out',
    ],
  ),
  paragraph(
    'tshuttle bastion audit logs in once, tries all that, and names for each finding the line that ends it. It has --json, and exit code 0 ' +
      'when nothing is open that is not needed.',
  ),
  paragraph(
    'A gate is a bastion whose keys are changed from outside: its second account, tunnel-keys, runs a script that lists, adds and removes keys, ' +
      'and nothing else. Servers behind it are targets; ssh, scp and tshuttle know them by their UUID and their name:',
  ),
  commands(
    'tshuttle bastion init --for gate --management-key admin.pub --allow 10.0.0.0/8:22 --output gate',
    'tshuttle gate add cloud -r tunnel@gate.example.com -i ~/.ssh/id_ed25519 --management-key admin --management-user tunnel-keys',
    'tshuttle gate keys add cloud ~/.ssh/id_ed25519.pub --permit-open 10.0.0.8:22',
    'tshuttle target add web --gate cloud --server 10.0.0.8 --user debian',
    'tshuttle target ssh-config --write ~/.ssh/config.d/tshuttle',
    'tshuttle openstack ssh-config mycloud --gate cloud --user debian --write ~/.ssh/config.d/mycloud',
  ),
  list(
    [
      'gate keys',
      'logs in once. Without the script it changes .ssh/authorized_keys of the account by SFTP, beside it and then renamed, under a lock. A key gets ' +
        'restrict,port-forwarding, and permitopen where --permit-open says so. Its management key is never removed; connections that are open stay',
    ],
    [
      'openstack ssh-config',
      'reads Keystone and Nova, and needs a token, an application credential or a password. A name that two servers have, or that ssh could take for ' +
        'a pattern, is left out: the UUID goes there',
    ],
  ),
  paragraph(
    'Certificates, so that nobody manages keys or known_hosts: an authority signs a key for a day, and --ca lets in who has that. The ' +
      'principal is the account. A host certificate is believed through one line of known_hosts:',
  ),
  commands(
    'ssh-keygen -t ed25519 -f user_ca',
    'tshuttle bastion init --for debian --ca user_ca.pub',
    'ssh-keygen -s user_ca -I alice -n tunnel -V +1d -O clear -O permit-port-forwarding id_ed25519.pub',
    'ssh-keygen -s host_ca -I bastion -h -n bastion.example.com -V +52w /etc/ssh/ssh_host_ed25519_key.pub',
    "echo 'HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub' > /etc/ssh/sshd_config.d/10-host-certificate.conf",
    'echo "@cert-authority *.example.com $(cat host_ca.pub)" >> ~/.ssh/known_hosts',
  ),
  paragraph(
    'Without an open port 22, a ProxyCommand in ~/.ssh/config leads there, and tshuttle -r HOST goes by it: AWS Systems Manager, EC2 ' +
      'Instance Connect, Google IAP, Cloudflare, Teleport, and a pod of the container above:',
  ),
  commands(
    'Host ssm-*',
    '  ProxyCommand aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters portNumber=%p',
    'Host eic-*',
    '  ProxyCommand aws ec2-instance-connect open-tunnel --instance-id %h',
    'Host iap-*',
    '  ProxyCommand gcloud compute start-iap-tunnel %h %p --listen-on-stdin --zone=ZONE',
    'Host cf-*',
    '  ProxyCommand cloudflared access ssh --hostname %h',
    'Host tsh-*',
    '  ProxyCommand tsh proxy ssh --proxy=PROXY:443 %r@%h:%p',
    'Host pod-*',
    '  ProxyCommand kubectl exec -i deploy/bastion -- /usr/sbin/sshd -i',
  ),
  list(
    ['HostName', 'in such a block is what %h becomes: i-0123456789abcdef0, or the instance’s name'],
    [
      'EC2 Instance Connect',
      'takes a key for a minute only: aws ec2-instance-connect send-ssh-public-key first, or a key that is there',
    ],
    [
      'Azure Bastion',
      'listens here: az network bastion tunnel --name BASTION --resource-group GROUP --target-resource-id ID --resource-port 22 --port 50022, ' +
        'then tshuttle -r me@127.0.0.1:50022 -o HostKeyAlias=vm',
    ],
    [
      'a task that comes back elsewhere',
      'needs a name that follows it: a sidecar that writes its address to DNS (aws route53 change-resource-record-sets) with a TTL of ' +
        'seconds, and its host key mounted, so that it stays the same',
    ],
  ),
];
