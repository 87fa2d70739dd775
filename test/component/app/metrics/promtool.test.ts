import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALERT_RULES } from '../../../../src/app/metrics/alert-rules.ts';
import { grafanaDashboard } from '../../../../src/app/metrics/grafana-dashboard.ts';
import { tunnelMetrics } from '../../../../src/app/metrics/tunnel-metrics.ts';
import { UP } from '../../../support/in-process/tunnel-reports.ts';
import { queriesOf } from '../../../support/metrics/dashboard-panels.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tshuttle-promtool-'));
  await writeFile(join(folder, 'rules.yml'), ALERT_RULES);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function promtool(
  words: readonly string[],
  input = '',
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', words, {
    cwd: folder,
    input,
    encoding: 'utf8',
  });
  return { status, said: `${error ?? ''}${stdout}${stderr}` };
}

test('the metrics of a tunnel are as they should be', async () => {
  const status = { ...UP, names: { inUse: 1, capacity: 2, refused: 0 } };
  const text = await tunnelMetrics({ name: 'office', version: '1' }, () => status).metrics();
  expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, said: '' });
  expect(promtool(['check', 'metrics'], `${text}\nno metric\n`).status).not.toBe(0);
});

test('the rules are, and every query of the dashboard can be read', async () => {
  const checked = promtool(['check', 'rules', 'rules.yml']);
  expect(checked, checked.said).toMatchObject({
    status: 0,
    said: expect.stringMatching(/SUCCESS: 7 rules found/),
  });
  const rules = queriesOf(grafanaDashboard()).map((query, index) => {
    const expr = query.replaceAll('$tunnel', '.*').replaceAll('$__rate_interval', '5m');
    expect(expr).not.toContain('$');
    return { record: `panel:query${index}`, expr };
  });
  const file = { groups: [{ name: 'panels', rules }] };
  await writeFile(join(folder, 'panels.yml'), JSON.stringify(file));
  const read = promtool(['check', 'rules', 'panels.yml']);
  expect(read, read.said).toMatchObject({ status: 0 });
  expect(read.said).toContain(`${rules.length} rules found`);
});

/** A tunnel whose bastion is lost after 5 minutes, one that waits for a login, and one with which all is well. */
const SCENES = `rule_files: [rules.yml]
evaluation_interval: 15s
tests:
  - interval: 1m
    input_series:
      - {series: 'tshuttle_state{job="t", instance="a", tunnel="office", state="up"}', values: '1x5 0x20'}
      - {series: 'tshuttle_state{job="t", instance="a", tunnel="office", state="waiting"}', values: '0x5 1 0 1 0 1 0 1x10'}
      - {series: 'tshuttle_state{job="t", instance="a", tunnel="office", state="connecting"}', values: '0x5 0 1 0 1 0 1 0x10'}
      - {series: 'tshuttle_state{job="t", instance="b", tunnel="codes", state="needs-login"}', values: '0x5 1x20'}
      - {series: 'tshuttle_state{job="t", instance="c", tunnel="rules", state="no-rules"}', values: '0x5 1x20'}
      - {series: 'tshuttle_state{job="t", instance="d", tunnel="well", state="up"}', values: '1x25'}
      - {series: 'tshuttle_reconnects_total{job="t", instance="d", tunnel="well"}', values: '0x25'}
      - {series: 'tshuttle_reconnects_total{job="t", instance="e", tunnel="flaps"}', values: '0+1x25'}
      - {series: 'tshuttle_failures_total{job="t", instance="d", tunnel="well", cause="refused"}', values: '0+1x25'}
      - {series: 'tshuttle_flows_total{job="t", instance="d", tunnel="well"}', values: '0+50x25'}
      - {series: 'tshuttle_failures_total{job="t", instance="e", tunnel="flaps", cause="unreachable"}', values: '0+40x25'}
      - {series: 'tshuttle_flows_total{job="t", instance="e", tunnel="flaps"}', values: '0+50x25'}
      - {series: 'tshuttle_failures_total{job="t", instance="f", tunnel="full", cause="own-descriptors"}', values: '0x9 5x15'}
      - {series: 'tshuttle_names_refused_total{job="t", instance="f", tunnel="full"}', values: '0x9 1x15'}
    promql_expr_test:
      - {expr: 'count(ALERTS{alertstate="firing"})', eval_time: 4m, exp_samples: []}
      - expr: 'count by (alertname, tunnel) (ALERTS{alertstate="firing"})'
        eval_time: 13m
        exp_samples:
          - {labels: '{alertname="TshuttleNotConnected", tunnel="office"}', value: 1}
          - {labels: '{alertname="TshuttleNeedsLogin", tunnel="codes"}', value: 1}
          - {labels: '{alertname="TshuttleNoRules", tunnel="rules"}', value: 1}
          - {labels: '{alertname="TshuttleFlapping", tunnel="flaps"}', value: 1}
          - {labels: '{alertname="TshuttleMostFail", tunnel="flaps"}', value: 1}
          - {labels: '{alertname="TshuttleOutOfDescriptors", tunnel="full"}', value: 1}
          - {labels: '{alertname="TshuttleOutOfAddresses", tunnel="full"}', value: 1}
    alert_rule_test:
      - alertname: TshuttleNeedsLogin
        eval_time: 10m
        exp_alerts:
          - exp_labels: {severity: critical, job: t, instance: b, tunnel: codes, state: needs-login}
            exp_annotations:
              summary: "codes waits for a login: nothing is carried, and it does not try by itself"
              remedy: "tshuttle login codes"
      - {alertname: TshuttleNotConnected, eval_time: 6m, exp_alerts: []}
`;

test('the alerts fire where something is wrong, say what to do, and nowhere else', async () => {
  await writeFile(join(folder, 'scenes.yml'), SCENES);
  const { status, said } = promtool(['test', 'rules', 'scenes.yml']);
  expect(said).toMatch(/SUCCESS/);
  expect(status, said).toBe(0);
  await writeFile(join(folder, 'scenes.yml'), SCENES.replace('tshuttle login codes', 'something else'));
  expect(promtool(['test', 'rules', 'scenes.yml']).status, 'a wrong expectation is found').not.toBe(0);
});
