import { systemWords } from '../../core/systems/system-words.ts';
import type { SystemWords } from '../../core/systems/words.ts';
import { ALGORITHMS_TOPIC } from './topics/algorithms-topic.ts';
import { BASTION_TOPICS } from './topics/bastion-topics.ts';
import { captureTopics } from './topics/capture-topics.ts';
import { eventsTopic } from './topics/events-topic.ts';
import { FORWARDS_TOPIC } from './topics/forwards-topic.ts';
import { installTopic } from './topics/install-topic.ts';
import { LOG_TOPIC } from './topics/log-topic.ts';
import { METRICS_TOPIC } from './topics/metrics-topic.ts';
import { NAMESPACES_TOPIC } from './topics/namespaces-topic.ts';
import { openstackTopic } from './topics/openstack-topic.ts';
import { OTHERS_TOPIC } from './topics/others-topic.ts';
import { programsTopic } from './topics/programs-topic.ts';
import { recipesTopic } from './topics/recipes-topic.ts';
import { runTopics } from './topics/run-topics.ts';
import { runningTopics } from './topics/running-topics.ts';
import { securityTopic } from './topics/security-topic.ts';
import { sshuttleTopic } from './topics/sshuttle-topic.ts';
import { SYSTEM_TOPICS } from './topics/system-topics.ts';
import { paragraph, type Topic } from './topics/topic.ts';

/** The pages beside `--help`: concepts and recipes, as they hold on one system. */
export function topicsOn(platform: NodeJS.Platform = process.platform): readonly Topic[] {
  const system = systemWords(platform);
  return allTopics(system).map((topic) => {
    const why = whyNotHere(topic.name, system);
    return why === undefined ? topic : { ...topic, blocks: [paragraph(why)] };
  });
}

/** Why a page would be of no use on a system; undefined for one that is. */
function whyNotHere(
  name: string,
  { platform, name: systemName, redirector }: SystemWords,
): string | undefined {
  if (redirector === undefined && ['udp', 'dns', 'programs', 'others', 'namespaces'].includes(name)) {
    const instead = 'tshuttle help proxies, forwards and run say what works without that';
    const elsewhere = platform === 'win32' ? ', and tshuttle help windows how WSL2 has all of it' : '';
    return `This is about captured connections, and nothing can capture them on ${systemName}: ${instead}${elsewhere}.`;
  }
  if (name === 'others' && platform !== 'linux')
    return `--also-from works on Linux alone. On ${systemName} what this machine itself opens is captured.`;
  if (name === 'namespaces' && platform !== 'linux')
    return `Network namespaces are of Linux. On ${systemName} what this machine itself opens is captured.`;
  return undefined;
}

function allTopics(system: SystemWords): readonly Topic[] {
  return [
    recipesTopic(system),
    ...captureTopics(system),
    programsTopic(system),
    OTHERS_TOPIC,
    NAMESPACES_TOPIC,
    ...BASTION_TOPICS,
    ALGORITHMS_TOPIC,
    ...runningTopics(system),
    ...runTopics(system),
    FORWARDS_TOPIC,
    openstackTopic(system),
    securityTopic(system),
    installTopic(system),
    eventsTopic(system),
    METRICS_TOPIC,
    LOG_TOPIC,
    ...SYSTEM_TOPICS,
    sshuttleTopic(system),
  ];
}
