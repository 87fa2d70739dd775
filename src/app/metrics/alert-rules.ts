/** Alerts for Prometheus, as a file of rules; each has its remedy. Whether the process itself is there, Prometheus tells by `up`. */
export const ALERT_RULES = `# Alerts about tunnels of tshuttle that serve --metrics: rule_files of prometheus.yml.
groups:
  - name: tshuttle
    rules:
      - alert: TshuttleNeedsLogin
        expr: tshuttle_state{state="needs-login"} == 1
        for: 1m
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.tunnel }} waits for a login: nothing is carried, and it does not try by itself"
          remedy: "tshuttle login {{ $labels.tunnel }}"
      - alert: TshuttleNotConnected
        # One after the other, so that neither lasts.
        expr: max by (job, instance, tunnel) (tshuttle_state{state=~"connecting|waiting"}) == 1
        for: 2m
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.tunnel }} has lost its bastion, and does not reach it"
          remedy: "tshuttle status {{ $labels.tunnel }}"
      - alert: TshuttleNoRules
        expr: tshuttle_state{state="no-rules"} == 1
        for: 1m
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.tunnel }} captures nothing: its rules are gone, and connections go past it"
          remedy: "tshuttle status {{ $labels.tunnel }}"
      - alert: TshuttleFlapping
        expr: increase(tshuttle_reconnects_total[30m]) > 5
        labels: {severity: warning}
        annotations:
          summary: "{{ $labels.tunnel }} has lost its bastion {{ $value | humanize }} times in half an hour"
          remedy: "tshuttle logs {{ $labels.tunnel }}"
      - alert: TshuttleMostFail
        expr: |
          sum by (job, instance, tunnel) (increase(tshuttle_failures_total[10m]))
            > 0.5 * sum by (job, instance, tunnel) (increase(tshuttle_flows_total[10m]))
          and sum by (job, instance, tunnel) (increase(tshuttle_failures_total[10m])) > 10
        for: 5m
        labels: {severity: warning}
        annotations:
          summary: "Most connections of {{ $labels.tunnel }} cannot be carried"
          remedy: "tshuttle status {{ $labels.tunnel }}"
      - alert: TshuttleOutOfDescriptors
        expr: increase(tshuttle_failures_total{cause=~"own-descriptors|bastion-descriptors"}[10m]) > 0
        labels: {severity: warning}
        annotations:
          summary: "{{ $labels.tunnel }} refuses connections: {{ $labels.cause }} are used up"
          remedy: "tshuttle doctor"
      - alert: TshuttleOutOfAddresses
        expr: increase(tshuttle_names_refused_total[10m]) > 0
        labels: {severity: warning}
        annotations:
          summary: "{{ $labels.tunnel }} has no address left for names in its zones"
          remedy: "a larger network with --synthetic-range"
`;
