import { systemWords } from '../../core/system-words.ts';
import { ALGORITHMS_TOPIC } from './algorithms-topic.ts';
import { BASTION_TOPICS } from './bastion-topics.ts';
import { captureTopics } from './capture-topics.ts';
import { FORWARDS_TOPIC } from './forwards-topic.ts';
import { LOG_TOPIC } from './log-topic.ts';
import { openstackTopic } from './openstack-topic.ts';
import { OTHERS_TOPIC } from './others-topic.ts';
import { programsTopic } from './programs-topic.ts';
import { recipesTopic } from './recipes-topic.ts';
import { runTopics } from './run-topics.ts';
import { runningTopics } from './running-topics.ts';
import { securityTopic } from './security-topic.ts';
import { sshuttleTopic } from './sshuttle-topic.ts';
import { SYSTEM_TOPICS } from './system-topics.ts';
import type { Topic } from './topic.ts';

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
