import { systemWords } from '../../core/systems/system-words.ts';
import { ALGORITHMS_TOPIC } from './topics/algorithms-topic.ts';
import { BASTION_TOPICS } from './topics/bastion-topics.ts';
import { captureTopics } from './topics/capture-topics.ts';
import { FORWARDS_TOPIC } from './topics/forwards-topic.ts';
import { LOG_TOPIC } from './topics/log-topic.ts';
import { openstackTopic } from './topics/openstack-topic.ts';
import { OTHERS_TOPIC } from './topics/others-topic.ts';
import { programsTopic } from './topics/programs-topic.ts';
import { recipesTopic } from './topics/recipes-topic.ts';
import { runTopics } from './topics/run-topics.ts';
import { runningTopics } from './topics/running-topics.ts';
import { securityTopic } from './topics/security-topic.ts';
import { sshuttleTopic } from './topics/sshuttle-topic.ts';
import { SYSTEM_TOPICS } from './topics/system-topics.ts';
import type { Topic } from './topics/topic.ts';

/** The pages beside `--help`: concepts and recipes, as they hold on one system. */
export function topicsOn(platform: NodeJS.Platform = process.platform): readonly Topic[] {
  const system = systemWords(platform);
  return [
    recipesTopic(system),
    ...captureTopics(system),
    programsTopic(system),
    OTHERS_TOPIC,
    ...BASTION_TOPICS,
    ALGORITHMS_TOPIC,
    ...runningTopics(system),
    ...runTopics(system),
    FORWARDS_TOPIC,
    openstackTopic(system),
    securityTopic(system),
    LOG_TOPIC,
    ...SYSTEM_TOPICS,
    sshuttleTopic(system),
  ];
}
