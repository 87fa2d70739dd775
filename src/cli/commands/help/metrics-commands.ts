import { defineCommand } from '../../command/command-definition.ts';

/** `tshuttle metrics dashboard` */
export const metricsDashboardCommand = defineCommand<undefined>({
  name: 'metrics dashboard',
  describe: (command, choose) => {
    command
      .summary('print a dashboard of tunnels, for Grafana')
      .description(
        'Prints a dashboard of what --metrics serves, which Grafana imports (Dashboards, New, Import):\n' +
          '  tshuttle metrics dashboard > tshuttle.json',
      )
      .usage(' ')
      .action(() => choose(undefined));
  },
  run: async (_input, { print }) => {
    const { grafanaDashboard } = await import('../../../app/metrics/grafana-dashboard.ts');
    print(`${JSON.stringify(grafanaDashboard(), undefined, 2)}\n`);
    return 0;
  },
});

/** `tshuttle metrics rules` */
export const metricsRulesCommand = defineCommand<undefined>({
  name: 'metrics rules',
  describe: (command, choose) => {
    command
      .summary('print alerts about tunnels, for Prometheus')
      .description(
        'Prints alerts about what --metrics serves, a file for rule_files of prometheus.yml:\n' +
          '  tshuttle metrics rules > tshuttle-rules.yml',
      )
      .usage(' ')
      .action(() => choose(undefined));
  },
  run: async (_input, { print }) => {
    const { ALERT_RULES } = await import('../../../app/metrics/alert-rules.ts');
    print(ALERT_RULES);
    return 0;
  },
});
