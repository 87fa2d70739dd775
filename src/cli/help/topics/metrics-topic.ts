import { METRICS } from '../../../app/metrics/metric-names.ts';
import { commands, list, paragraph, type Topic } from './topic.ts';

/** What --metrics serves. */
export const METRICS_TOPIC: Topic = {
  name: 'metrics',
  summary: 'what --metrics serves, a dashboard for Grafana, and alerts for Prometheus',
  blocks: [
    paragraph(
      '--metrics 9464 serves the metrics of a tunnel for Prometheus at http://127.0.0.1:9464/metrics; several tunnels have a port each. With an address of ' +
        'this machine before it, 10.0.0.5:9464, others read them, too. This prints a dashboard, which Grafana imports, and alerts with remedies:',
    ),
    commands(
      'tshuttle up office   # with metrics: "9464" in its profile',
      'tshuttle metrics dashboard > tshuttle.json',
      'tshuttle metrics rules > tshuttle-rules.yml',
    ),
    paragraph('In prometheus.yml:'),
    commands(
      'scrape_configs: [{job_name: tshuttle, static_configs: [{targets: ["127.0.0.1:9464"]}]}]',
      'rule_files: [tshuttle-rules.yml]',
    ),
    paragraph(
      'Each has the tunnel as a label, and all labels have values of a fixed set but for names and versions. Names and labels stay.',
    ),
    list(...Object.entries(METRICS)),
  ],
};
