import { commands, list, paragraph, type Topic } from './topic.ts';

/** An OpenStack behind a bastion, with the programs that use it. */
export const OPENSTACK_TOPIC: Topic = {
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
    paragraph('Once and for all, a profile in ~/.config/tshuttle/config.yaml:'),
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
        'code. With tshuttle up cloud before, it uses that tunnel, which stays.',
    ),
    paragraph(
      'Terraform: name the cloud in its provider block (cloud = "mycloud"); the rest stays in clouds.yaml.',
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
        'gophercloud looks for it in the project’s folder, ~/.config/openstack and /etc/openstack only',
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
    paragraph('psql knows no proxy: it needs the redirect, or --isolated where there is no root.'),
    commands(
      'tshuttle run -r ubuntu@bastion.example.com --domain internal.example -- psql "host=db.internal.example sslmode=verify-full dbname=app"',
    ),
  ],
};
