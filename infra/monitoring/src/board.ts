/** The board for Grafana, as data: what each panel asks. write-board.ts makes grafana-board.json of it. */

export interface Query {
  /** In PromQL. `@` stands for the job and the instances that the reader of the board has chosen. */
  readonly ask: string;
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** As Grafana names it. */
  readonly unit: 'short' | 's' | 'percentunit' | 'reqps' | 'Bps' | 'bytes';
  /** `bars`: of the whole time that is shown. `lines`: over that time. */
  readonly kind: 'lines' | 'bars';
  readonly queries: readonly Query[];
}

export interface Row {
  readonly title: string;
  readonly isCollapsed: boolean;
  readonly panels: readonly Panel[];
}

const lines = (title: string, unit: Panel['unit'], ...queries: readonly Query[]): Panel => ({ title, unit, kind: 'lines', queries });
const bars = (title: string, ...queries: readonly Query[]): Panel => ({ title, unit: 'short', kind: 'bars', queries });
const q = (ask: string, legend = ''): Query => ({ ask, legend });
const quantile = (histogram: string, by = ''): string =>
  `histogram_quantile($quantile, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${histogram}_bucket{@}[$__rate_interval])))`;

export const BOARD: readonly Row[] = [
  {
    title: 'Logins',
    isCollapsed: false,
    panels: [
      bars('How far attempts come', q('sum by (step) (increase(qrcast_attempt_steps_total{@, step!="ended"}[$__range]))', '{{step}}')),
      bars('Why attempts end', q('sum by (reason) (increase(qrcast_attempt_steps_total{@, step="ended"}[$__range]))', '{{reason}}')),
      lines('Time to the first code', 's', q(quantile('qrcast_time_to_first_code_seconds'), 'quantile $quantile')),
      lines('From the scan to the login', 's', q(quantile('qrcast_scan_to_connected_seconds'), 'quantile $quantile')),
      lines(
        'Attempts and logins',
        'short',
        q('sum(increase(qrcast_attempts_total{@}[5m]))', 'attempts in 5 min'),
        q('sum(increase(qrcast_attempt_steps_total{@, step="connected"}[5m]))', 'logins in 5 min'),
        q('sum(increase(qrcast_no_code_needed_seconds_count{@}[5m]))', 'attempts without need of a code in 5 min'),
      ),
      lines(
        'Codes that a login took',
        'short',
        q('sum(rate(qrcast_codes_per_login_sum{@}[1h])) / sum(rate(qrcast_codes_per_login_count{@}[1h]))', 'mean'),
      ),
    ],
  },
  {
    title: 'Delivery',
    isCollapsed: false,
    panels: [
      lines(
        'Viewers',
        'short',
        q('sum by (transport) (qrcast_connections{@})', '{{transport}}'),
        q('sum(qrcast_subscriptions{@})', 'sessions that they watch'),
        q('sum(qrcast_connections_limit{@})', 'limit'),
      ),
      lines('From a change to the transport', 's', q(quantile('qrcast_delivery_seconds', 'kind'), '{{kind}}')),
      lines(
        'Messages',
        'reqps',
        q('sum by (transport, kind) (rate(qrcast_messages_sent_total{@}[$__rate_interval]))', '{{transport}} {{kind}}'),
      ),
      lines('Bytes', 'Bps', q('sum by (transport) (rate(qrcast_messages_sent_bytes_total{@}[$__rate_interval]))', '{{transport}}')),
      lines('From a ping to its pong', 's', q(quantile('qrcast_ping_pong_seconds', 'transport'), '{{transport}}')),
      lines('States that slow viewers skipped', 'reqps', q('sum(rate(qrcast_states_superseded_total{@}[$__rate_interval]))', 'skipped')),
    ],
  },
  {
    title: 'Polls and provider',
    isCollapsed: false,
    panels: [
      lines('Sessions in the schedule', 'short', q('max(qrcast_waiting_sessions{@})', 'sessions')),
      lines('Lateness of polls', 's', q(quantile('qrcast_poll_lateness_seconds', 'instance'), '{{instance}}')),
      lines(
        'Answers of the provider',
        'reqps',
        q('sum by (outcome) (rate(qrcast_provider_answers_total{@}[$__rate_interval]))', '{{outcome}}'),
      ),
      lines('Time to an answer', 's', q(quantile('qrcast_poll_seconds', 'host'), '{{host}}')),
      lines(
        'Requests under way',
        'short',
        q('sum by (host) (qrcast_polls_inflight{@})', '{{host}}'),
        q('sum(qrcast_polls_limit{@})', 'limit'),
      ),
      lines('Time to read a picture', 's', q(quantile('qrcast_code_decode_seconds'), 'quantile $quantile')),
      lines('Life of a code', 's', q(quantile('qrcast_code_lifetime_seconds'), 'quantile $quantile')),
    ],
  },
  {
    title: 'Limits and refusals',
    isCollapsed: true,
    panels: [
      lines('Refusals', 'reqps', q('sum by (code, limit) (rate(qrcast_refusals_total{@}[$__rate_interval]))', '{{code}} {{limit}}')),
      lines(
        'HTTP calls',
        'reqps',
        q('sum by (route, status) (rate(qrcast_http_request_seconds_count{@}[$__rate_interval]))', '{{route}} {{status}}'),
      ),
      lines('Time of HTTP calls', 's', q(quantile('qrcast_http_request_seconds', 'route'), '{{route}}')),
      lines('Why connections end', 'reqps', q('sum by (code) (rate(qrcast_connections_closed_total{@}[$__rate_interval]))', '{{code}}')),
      lines(
        'New connections',
        'reqps',
        q('sum by (transport) (rate(qrcast_connections_accepted_total{@}[$__rate_interval]))', '{{transport}}'),
      ),
      lines('Retry-After of the provider', 's', q(quantile('qrcast_provider_retry_after_seconds'), 'quantile $quantile')),
    ],
  },
  {
    title: 'Callbacks',
    isCollapsed: true,
    panels: [
      lines('Tries', 'reqps', q('sum by (type, outcome) (rate(qrcast_callbacks_total{@}[$__rate_interval]))', '{{type}} {{outcome}}')),
      lines('Tries without an answer', 'reqps', q('sum by (cause) (rate(qrcast_callback_faults_total{@}[$__rate_interval]))', '{{cause}}')),
      lines('Age when delivered or given up', 's', q(quantile('qrcast_callback_age_seconds'), 'quantile $quantile')),
      lines('Marks in the outbox', 'short', q('max(qrcast_outbox_marks{@})', 'marks')),
    ],
  },
  {
    title: 'Redis and queue',
    isCollapsed: true,
    panels: [
      lines('Redis accepts writes', 'short', q('qrcast_redis_writable{@}', '{{instance}}')),
      lines('Time of commands', 's', q(quantile('qrcast_redis_command_seconds', 'command'), '{{command}}')),
      lines(
        'Lost connections',
        'reqps',
        q('sum by (role, reason) (rate(qrcast_bus_reconnects_total{@}[$__rate_interval]))', '{{role}} {{reason}}'),
      ),
      lines('Pub/sub there and back', 's', q(quantile('qrcast_bus_probe_seconds'), 'quantile $quantile')),
      lines(
        'Messages over pub/sub',
        'reqps',
        q('sum by (instance) (rate(qrcast_bus_messages_total{@}[$__rate_interval]))', '{{instance}}'),
      ),
      lines('Jobs', 'short', q('max by (queue, state) (bullmq_job_count{@})', '{{queue}} {{state}}')),
    ],
  },
  {
    title: 'Processes',
    isCollapsed: true,
    panels: [
      lines('Ready', 'short', q('qrcast_ready{@}', '{{role}} {{instance}}')),
      lines('Processor', 'percentunit', q('rate(process_cpu_seconds_total{@}[$__rate_interval])', '{{instance}}')),
      lines('Memory', 'bytes', q('process_resident_memory_bytes{@}', '{{instance}}')),
      lines('Delay of the event loop, p99', 's', q('nodejs_eventloop_lag_p99_seconds{@}', '{{instance}}')),
      lines('Longest delay of the event loop', 's', q('nodejs_eventloop_lag_max_seconds{@}', '{{instance}}')),
      lines('Since the last tick', 's', q('qrcast_tick_age_seconds{@}', '{{instance}}')),
      lines('Versions', 'short', q('sum by (version, node) (qrcast_build_info{@})', '{{version}}, Node {{node}}')),
    ],
  },
];
