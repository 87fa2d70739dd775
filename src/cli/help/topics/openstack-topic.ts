import type { SystemWords } from '../../../core/systems/words.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** An OpenStack behind a bastion, with the programs that use it. */
export const openstackTopic = (system: SystemWords): Topic => ({
  name: 'openstack',
  summary: 'an OpenStack behind a bastion: Terraform, the openstack command, Ansible, kubectl, psql',
  blocks: [
    paragraph(
      'You have mycloud in clouds.yaml, and may log in to a bastion whose address is on the allow-list of its API. First see what ' +
        'works, and what would be captured:',
    ),
    commands(
      'tshuttle openstack check mycloud -r ubuntu@bastion.example.com',
      'tshuttle -r ubuntu@bastion.example.com --openstack mycloud --dry-run',
    ),
    paragraph(
      '--openstack needs no SUBNET and no secret. It reads clouds.yaml, secure.yaml and OS_* as openstacksdk does, captures the host of ' +
        'auth_url on all ports, follows its addresses, and says what it took and from where. Where the openstack command or ' +
        'gophercloud (Terraform, Packer) would go elsewhere, it warns. Services on other hosts need the catalog, too:',
    ),
    commands(
      'tshuttle -r ubuntu@bastion --openstack mycloud',
      'tshuttle -r ubuntu@bastion --openstack mycloud --openstack-catalog',
      'tshuttle -r ubuntu@bastion --openstack mycloud --openstack-catalog=cli',
      'openstack catalog list -f json > catalog.json',
      'tshuttle -r ubuntu@bastion --openstack mycloud --openstack-catalog=catalog.json 10.2.0.0/16',
    ),
    list(
      [
        '--openstack',
        'the host of auth_url; without a name, that of OS_CLOUD. openstack server list asks the image service, too, so it may need the catalog',
      ],
      [
        '--openstack-catalog',
        'every service, exactly its hosts and ports. It asks Keystone, with OS_TOKEN, an application credential or a password, in this ' +
          'order; prefer an application credential. These stay in memory, go to the auth host only, through the tunnel, over ' +
          'verified TLS (cacert, OS_CACERT), and are never logged. It is asked again every 30 minutes; credentials that are refused ' +
          'then are not tried again',
      ],
      [
        '--openstack-catalog=cli, =FILE, =-',
        'as openstack catalog list tells them; from a file or standard input, offline. One-time codes and federations (v3totp, v3oidc...) need one of these',
      ],
      [
        '--openstack-region, --openstack-interface',
        'choose others than those of the cloud and of OS_REGION_NAME',
      ],
      ['a host that this machine does not know', 'becomes a zone as with --domain: the bastion resolves it'],
    ),
    paragraph(
      'Then, in another terminal, everything is as if you sat on the bastion: set OS_CLOUD=mycloud, and use openstack, terraform or ansible.',
    ),
    commands('export OS_CLOUD=mycloud', 'openstack server list', 'terraform apply'),
    paragraph(
      'tshuttle openstack check asks each endpoint, directly and through the bastion, and says: works, the bastion’s address is not on the ' +
        'allow-list, the tunnel is broken, TLS name mismatch, and so on. It has --json, and exit code 0 when all work.',
    ),
    paragraph(
      'When the bastion is lost between two calls, none fails that comes within --hold-seconds: it waits, and is carried when the ' +
        'bastion is back. A call in flight is reset at once, and -v says which: 10.0.0.8:8774: reset: the bastion was lost. ' +
        'Terraform reports that one; whether it was made is for the next terraform plan to say.',
    ),
    paragraph(`Once and for all, a profile in ${system.profileFile}:`),
    commands(
      'profiles:',
      '  cloud:',
      '    remote: ubuntu@bastion.example.com',
      '    openstack: mycloud',
      '    openstack_catalog: true  # every service of the region; leave it out where all are on the host of auth_url',
      '    subnets: [10.2.0.0/16]   # private instances, if you log in to them',
    ),
    paragraph(
      'tshuttle run cloud -- COMMAND waits until Keystone answers through the bastion, runs the command, and ends with its exit ' +
        'code. With tshuttle up cloud before, it uses that tunnel, which stays. The keys openstack_region and openstack_interface are ' +
        'there too. A project’s .tshuttle.yaml may not ask for a catalog.',
    ),
    paragraph(
      'Terraform: name the cloud in its provider block (cloud = "mycloud"), or by OS_CLOUD; the rest stays in clouds.yaml.',
    ),
    commands('tshuttle run cloud -- terraform init', 'tshuttle run cloud -- terraform apply'),
    list(
      [
        'auth_url, region and endpoint_type in HCL alone',
        'tshuttle does not see them: repeat them as --openstack-region and --openstack-interface; hosts of endpoint_overrides are SUBNETs',
      ],
      [
        'a private authority',
        'name it by cacert in clouds.yaml, or cacert_file; insecure is not needed, as names stay what they are',
      ],
      [
        'secure.yaml',
        'gophercloud looks for it in the project’s folder, ~/.config/openstack and /etc/openstack only; not in $XDG_CONFIG_HOME, nor beside OS_CLIENT_CONFIG_FILE',
      ],
      [
        'a state in an http or s3 backend',
        'where it is behind the bastion, its host has to be among the SUBNETs, too',
      ],
      [
        'max_retries',
        'leave it as it is: when the bastion is lost new calls wait; a call in flight is reset, which Terraform reports',
      ],
    ),
    paragraph(
      'The openstack command; OS_AUTH_URL wins over clouds.yaml in it and not in others, and tshuttle warns where they differ:',
    ),
    commands(
      'OS_CLOUD=mycloud tshuttle run cloud -- openstack server list',
      'tshuttle run --rootless -r ubuntu@bastion.example.com --openstack mycloud --openstack-catalog -- openstack image list',
    ),
    paragraph(
      'Ansible: its inventory plugin and modules use the API; ssh to private instances goes through the SUBNETs, without ProxyJump.',
    ),
    commands('tshuttle run cloud -- ansible-playbook -i openstack.yaml site.yaml'),
    paragraph('kubectl; the name in kubeconfig stays as it is, and so does its certificate:'),
    commands(
      'tshuttle run --probe api.cluster.example:6443 -r ubuntu@bastion.example.com api.cluster.example:6443 -- kubectl get nodes',
    ),
    paragraph(
      `psql knows no proxy: it needs the redirect${system.platform === 'linux' ? ', or --isolated where there is no root' : ''}.`,
    ),
    commands(
      'tshuttle run -r ubuntu@bastion.example.com --domain internal.example -- psql "host=db.internal.example sslmode=verify-full dbname=app"',
    ),
  ],
});
