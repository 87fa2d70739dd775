import type { SystemWords } from '../../../core/systems/words.ts';
import { type Block, commands, paragraph, type Topic } from './topic.ts';

/** Command lines to copy. README has this page: `npm run readme`. */
export const recipesTopic = (system: SystemWords): Topic => ({
  name: 'recipes',
  summary: 'Terraform, kubectl, psql, RDS, a bastion with a second factor, at login, CI without root',
  blocks: [
    paragraph('Terraform, against an API that admits the bastion’s address only (tshuttle help openstack):'),
    commands('tshuttle run -r ubuntu@bastion --openstack mycloud --openstack-catalog -- terraform apply'),
    paragraph('kubectl, once the API server answers; it keeps its name, so its certificate is right:'),
    commands(
      'tshuttle run -r bastion --probe api.cluster.example:6443 api.cluster.example:6443 -- kubectl get nodes',
    ),
    ...databases(system),
    paragraph('A key and then a one-time code; -i names the right one of the agent’s many keys:'),
    commands(
      `tshuttle -r me@bastion -i ~/.ssh/id_work.pub ${system.redirector === undefined ? '--socks 1080' : '10.0.0.0/8'}`,
    ),
    ...atLogin(system),
    paragraph(
      `CI without root, with a key of the job’s own${system.platform === 'linux' ? ' (where users may make no namespaces: --rootless)' : ''}:`,
    ),
    commands(
      `tshuttle run ${system.platform === 'linux' ? '--isolated' : '--rootless'} -r ci@bastion.example.com -i deploy_key 10.0.0.0/8 -- ${system.platform === 'win32' ? 'cmd /c deploy.cmd' : './deploy.sh'}`,
    ),
    paragraph('Options that are always the same, in a file:'),
    commands('echo "-r bastion 10.0.0.0/8 -x 10.9.0.0/16" > office.conf', 'tshuttle @office.conf'),
  ],
});

/** psql knows no proxy. */
function databases({ redirector }: SystemWords): readonly Block[] {
  if (redirector === undefined) {
    return [
      paragraph(
        'psql, which knows no proxy: a port here that leads to the database, whose name the bastion resolves:',
      ),
      commands(
        'tshuttle -D -r bastion -L 5432:db.internal.example:5432',
        'psql "host=db.internal.example hostaddr=127.0.0.1 sslmode=verify-full dbname=app"',
      ),
    ];
  }
  return [
    paragraph('psql, to a database whose name only the bastion resolves:'),
    commands('tshuttle run -r bastion --domain internal.example -- psql -h db.internal.example'),
    paragraph(
      'RDS behind a container on Fargate; the certificate is for the private name, rds-ca.pem is AWS’s bundle:',
    ),
    commands(
      "tshuttle -D -r app@bastion.example.com --domain '*.rds.amazonaws.com'",
      'psql "host=db.cluster-x.eu-west-1.rds.amazonaws.com sslmode=verify-full sslrootcert=rds-ca.pem dbname=app"',
    ),
  ];
}

function atLogin(system: SystemWords): readonly Block[] {
  if (system.serviceManager === undefined) {
    return [paragraph(`At login, the profile office: ${system.startAtLogin}.`)];
  }
  return [
    paragraph(
      `At login, by ${system.serviceManager}, the profile office; nobody is asked for a password then:`,
    ),
    commands('tshuttle sudoers --install', 'tshuttle service install office'),
  ];
}
