import type { SystemWords } from '../../core/systems/words.ts';

const CAPTURING = `  tshuttle -r me@bastion.example.com 10.0.0.0/8
  tshuttle -r bastion 0/0 ::/0 -x 192.168.0.0/16          everything but the local network
  tshuttle -r bastion db.example.com:5432 10.2.0.0/16:443
  tshuttle -r bastion --domain internal.example           names that only the bastion resolves
  tshuttle -r bastion --openstack mycloud                 the OpenStack API of clouds.yaml
  tshuttle -r bastion --socks 1080                        a SOCKS proxy: no root, no rules
  tshuttle -D -r bastion -s networks.txt -X never.txt     in the background`;

const WITHOUT_CAPTURE = `  tshuttle -r me@bastion.example.com --socks 1080         a SOCKS proxy
  tshuttle -r bastion --http-proxy 8080                   a proxy of HTTP
  tshuttle -r bastion -L 5432:db.internal:5432            one port that leads to one place
  tshuttle run --rootless -r bastion 10.0.0.0/8 -- terraform plan
  tshuttle -D -r bastion --socks 1080                     in the background`;

/** What `--help` ends with. */
export const examplesOn = ({ redirector }: SystemWords): string => `
Examples:
${redirector === undefined ? WITHOUT_CAPTURE : CAPTURING}
  tshuttle @office.conf -v                                arguments from a file

Arguments in the environment variable TSHUTTLE_ARGS come before those on the command line.

Exit codes:
  0  stopped as asked     70 internal error       77  root or login refused
  64 usage                71 the system refused   78  configuration
  68 bastion unreachable  75 bastion lost         130 Ctrl-C
  69 no usable method     76 host key`;
