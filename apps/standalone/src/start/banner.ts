/** Creates what `start` prints once it is up: addresses to open, and commands to copy. */

export interface BannerFacts {
  readonly url: string;
  readonly pageUrl: string;
  readonly apiKey: string;
  /** The console. Null: it is off. */
  readonly console: ConsoleFacts | null;
  readonly instanceId: string;
  /** The simulated provider; null if the real one is polled. */
  readonly simulator: { readonly url: string; readonly apiToken: string } | null;
  /** How to install a real Redis; null if one runs. */
  readonly redisAdvice: string | null;
}

export interface ConsoleFacts {
  /** Made for this run, given by the operator, who knows it, or none: then the admin API is off. */
  readonly adminKey: { readonly made: string } | 'given' | 'none';
}

export function banner(facts: BannerFacts): string {
  const { url, pageUrl, apiKey, instanceId, simulator, redisAdvice } = facts;
  const lines = [
    '',
    '  qrcast is up.',
    '',
    '  Login page   (a live code; open it in a browser)',
    `    ${pageUrl}`,
    '',
    ...consoleLines(url, facts.console),
    ...adminKeyLines(facts.console),
    `  API key      ${apiKey}`,
    `  API          ${url}/v1/sessions`,
    `  Documents    ${url}/docs`,
    '',
  ];
  lines.push(
    ...simulatorLines(simulator, instanceId),
    '  Watch the sessions of your key:',
    `    curl -H 'Authorization: Bearer ${apiKey}' ${url}/v1/sessions`,
    ...newSessionLines(url, apiKey, simulator, instanceId),
    '',
    '  Ctrl-C stops everything.',
    '',
  );
  if (redisAdvice !== null) {
    lines.push(
      '  !! DEMO ONLY: no redis-server or valkey-server was found, so an in-process stand-in runs.',
      '  !! It is slow, forgets everything at the end, and must not serve anybody. A real one:',
      `  !!   ${redisAdvice}`,
      '',
    );
  }
  return lines.join('\n');
}

const KEYS = {
  made: 'the admin key for all tenants, or the API key',
  given: 'your QRCAST_ADMIN_KEY for all tenants, or the API key',
  none: 'the API key',
} as const;

function adminKeyLines(console: ConsoleFacts | null): string[] {
  return typeof console?.adminKey === 'object' ? [`  Admin key    ${console.adminKey.made}`] : [];
}

/**
 * The link has no key in it: a program that opens links shows them to every user of the machine in the
 * list of processes, and a browser keeps them in its history.
 */
function consoleLines(url: string, console: ConsoleFacts | null): string[] {
  if (console === null) return [];
  return [
    `  Console      (what goes on; it asks for a key: ${KEYS[typeof console.adminKey === 'object' ? 'made' : console.adminKey]})`,
    `    ${url}/console`,
    '',
  ];
}

function simulatorLines(simulator: BannerFacts['simulator'], instanceId: string): string[] {
  if (simulator === null) return [];
  return [
    '  The provider is simulated. Scan the code as a phone would:',
    `    curl -X POST ${simulator.url}/control/instances/${instanceId}/scan`,
    '  More of what it can do (a password, faults, lost notifications):',
    `    curl ${simulator.url}/control`,
    '',
  ];
}

function newSessionLines(url: string, apiKey: string, simulator: BannerFacts['simulator'], instanceId: string): string[] {
  if (simulator === null) return [];
  const body = JSON.stringify({ instanceId, apiToken: simulator.apiToken, apiUrl: simulator.url });
  return [
    '  Get a page link for this instance, as a backend would:',
    `    curl -X POST -H 'Authorization: Bearer ${apiKey}' -H 'Content-Type: application/json' -d '${body}' ${url}/v1/sessions`,
  ];
}
