import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { ALERT_RULES } from '../../../../src/app/metrics/alert-rules.ts';
import { grafanaDashboard } from '../../../../src/app/metrics/grafana-dashboard.ts';
import { METRICS } from '../../../../src/app/metrics/metric-names.ts';
import { tunnelMetrics } from '../../../../src/app/metrics/tunnel-metrics.ts';
import { UP } from '../../../support/in-process/tunnel-reports.ts';
import { panelsOf, queriesOf } from '../../../support/metrics/dashboard-panels.ts';

const source = {
  type: 'object',
  required: ['type', 'uid'],
  additionalProperties: false,
  properties: { type: { const: 'prometheus' }, uid: { const: '$datasource' } },
};

/** What Grafana needs to import a dashboard, and to draw it (its dashboard JSON model, schemaVersion 39). */
const NEEDED = {
  type: 'object',
  required: ['title', 'uid', 'schemaVersion', 'version', 'time', 'templating', 'panels'],
  properties: {
    // Given by whoever imports it.
    id: false,
    title: { type: 'string', minLength: 1 },
    uid: { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,40}$' },
    schemaVersion: { type: 'integer', minimum: 36 },
    version: { type: 'integer' },
    refresh: { type: 'string', pattern: '^\\d+[smh]$' },
    time: { type: 'object', required: ['from', 'to'] },
    templating: {
      type: 'object',
      required: ['list'],
      properties: {
        list: {
          type: 'array',
          items: {
            type: 'object',
            required: ['name', 'type', 'query'],
            oneOf: [
              { properties: { type: { const: 'datasource' }, query: { const: 'prometheus' } } },
              {
                required: ['datasource', 'definition'],
                properties: { type: { const: 'query' }, datasource: source },
              },
            ],
          },
        },
      },
    },
    panels: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['id', 'type', 'title', 'datasource', 'gridPos', 'fieldConfig', 'options', 'targets'],
        properties: {
          id: { type: 'integer', minimum: 1 },
          type: { enum: ['timeseries', 'state-timeline', 'stat', 'table'] },
          title: { type: 'string', minLength: 1 },
          datasource: source,
          gridPos: {
            type: 'object',
            required: ['x', 'y', 'w', 'h'],
            properties: {
              x: { type: 'integer', minimum: 0, maximum: 23 },
              y: { type: 'integer', minimum: 0 },
              w: { type: 'integer', minimum: 1, maximum: 24 },
              h: { type: 'integer', minimum: 1 },
            },
          },
          fieldConfig: { type: 'object', required: ['defaults', 'overrides'] },
          targets: {
            type: 'array',
            minItems: 1,
            items: {
              type: 'object',
              required: ['refId', 'expr', 'datasource'],
              properties: {
                refId: { pattern: '^[A-Z]$' },
                expr: { type: 'string', minLength: 1 },
                datasource: source,
              },
            },
          },
        },
      },
    },
  },
};

test('has the structure that Grafana needs, and one id for each panel', () => {
  const validate = new Ajv({ allErrors: true, strictTypes: false }).compile(NEEDED);
  expect(validate(grafanaDashboard()), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ ...grafanaDashboard(), panels: [{}] }), 'the schema refuses something').toBe(false);
  const ids = panelsOf(grafanaDashboard()).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('no panel covers another, or leaves the grid', () => {
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panelsOf(grafanaDashboard())) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.get(`${x} ${y}`), `${title} at ${x} ${y}`).toBeUndefined();
        taken.set(`${x} ${y}`, title);
      }
    }
  }
});

test('dashboard and rules name metrics that there are; the dashboard each of them, and the chosen tunnels alone', async () => {
  const registry = tunnelMetrics({ name: 'office', version: '1' }, () => ({
    ...UP,
    names: { inUse: 1, capacity: 2, refused: 0 },
    udp: { flows: 0, sent: 0, received: 0, dropped: 0 },
  }));
  const served = new Set([...(await registry.metrics()).matchAll(/^tshuttle_\w+/gm)].map(([name]) => name));
  const queries = queriesOf(grafanaDashboard());
  const shown = new Set(queries.flatMap((query) => query.match(/tshuttle_\w+/g) ?? []));
  expect([...shown].sort()).toEqual(Object.keys(METRICS).sort());
  const alerted = ALERT_RULES.match(/tshuttle_\w+/g) ?? [];
  expect(alerted.length).toBeGreaterThan(5);
  for (const name of [...shown, ...alerted]) expect(served, name).toContain(name);
  for (const query of queries) {
    expect(query.match(/tunnel=~"\$tunnel"/g)?.length).toBe(query.match(/tshuttle_\w+/g)?.length);
  }
});

test('every alert says what to do', () => {
  const count = (pattern: RegExp): number | undefined => ALERT_RULES.match(pattern)?.length;
  expect(count(/- alert:/g)).toBe(count(/ remedy: "/g));
  expect(count(/- alert:/g)).toBe(count(/ summary: "/g));
});
