import { ALGORITHMS_TOPIC } from './algorithms-topic.ts';
import { BASTION_TOPICS } from './bastion-topics.ts';
import { CAPTURE_TOPICS } from './capture-topics.ts';
import { FORWARDS_TOPIC } from './forwards-topic.ts';
import { LOG_TOPIC } from './log-topic.ts';
import { OPENSTACK_TOPIC } from './openstack-topic.ts';
import { PROGRAMS_TOPIC } from './programs-topic.ts';
import { RECIPES_TOPIC } from './recipes-topic.ts';
import { RUN_TOPICS } from './run-topics.ts';
import { RUNNING_TOPICS } from './running-topics.ts';
import { SECURITY_TOPIC } from './security-topic.ts';
import { SSHUTTLE_TOPIC } from './sshuttle-topic.ts';
import { SYSTEM_TOPICS } from './system-topics.ts';
import type { Topic } from './topic.ts';

/** The pages beside `--help`: concepts and recipes. */
export const TOPICS: readonly Topic[] = [
  RECIPES_TOPIC,
  ...CAPTURE_TOPICS,
  PROGRAMS_TOPIC,
  ...BASTION_TOPICS,
  ALGORITHMS_TOPIC,
  ...RUNNING_TOPICS,
  ...RUN_TOPICS,
  FORWARDS_TOPIC,
  OPENSTACK_TOPIC,
  SECURITY_TOPIC,
  LOG_TOPIC,
  ...SYSTEM_TOPICS,
  SSHUTTLE_TOPIC,
];
