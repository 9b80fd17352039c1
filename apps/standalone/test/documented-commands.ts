/**
 * Finds every code block and every inline command in the documents for users and operators, and
 * lists how each is checked. A block that is in no list fails a test, so a new one must be
 * classified here.
 */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const TOP = fileURLToPath(new URL('../../../', import.meta.url));
const NAMED = [
  'README.md',
  'CONTRIBUTING.md',
  'OPERATING.md',
  'CAPACITY.md',
  'apps/docs/README.md',
  'infra/image/README.md',
  'infra/compose/README.md',
  'infra/chart/README.md',
  'infra/systemd/README.md',
].filter((name) => existsSync(`${TOP}${name}`));
/** Pages of the site that exist nowhere else. A test of the site compares their translations with them. */
const DOCUMENTS = [...NAMED, ...globSync('apps/docs/content/en/**/*.md', { cwd: TOP })];

export interface Shown {
  readonly document: string;
  readonly text: string;
}

/** The beginning of a block's text, and how the block is checked. */
interface Rule<Check> {
  readonly begins: string;
  readonly check: Check;
}

/** documented-commands.e2e.test.ts runs these. */
export const RUN: readonly Rule<'shell' | 'module'>[] = [
  { begins: 'curl -X POST http://127.0.0.1:3000/v1/sessions', check: 'shell' },
  { begins: `import { watchSession } from '@qrcast/client'`, check: 'module' },
  { begins: 'curl -i -X POST -H "Authorization: Bearer $WEBHOOK_TOKEN"', check: 'shell' },
  { begins: 'curl -H "Authorization: Bearer $API_KEY" https://<your gateway>/v1/sessions/<session id>/webhook', check: 'shell' },
  { begins: 'curl -X POST http://127.0.0.1:3000/v1/admin/tenants', check: 'shell' },
  { begins: `curl -H "Authorization: Bearer $QRCAST_ADMIN_KEY" 'https://<your gateway>/v1/admin/statistics`, check: 'shell' },
  { begins: 'exec node_modules/.bin/node', check: 'shell' },
  { begins: 'openssl rand', check: 'shell' },
  { begins: 'cd packages/runtime && npx -y pnpm@12 exec vitest run', check: 'shell' },
  { begins: 'cd apps/standalone && QRCAST_TESTS=release npx -y pnpm@12 exec vitest run', check: 'shell' },
  { begins: 'QRCAST_SCREENSHOTS=1 vitest run', check: 'shell' },
];

/** Another file checks these. Its path begins at the top of the repository. */
export const CHECKED_ELSEWHERE: readonly Rule<string>[] = [
  { begins: 'npx -y pnpm@12 start', check: 'apps/standalone/e2e/start.e2e.test.ts' },
  { begins: 'GREEN_API_ID_INSTANCE=1101000001 GREEN_API_TOKEN=… npx', check: 'apps/standalone/e2e/start.e2e.test.ts' },
  { begins: 'npx -y pnpm@12 qrcast login', check: 'apps/standalone/e2e/login.e2e.test.ts' },
  { begins: 'npx -y pnpm@12 qrcast webhook', check: 'apps/standalone/e2e/webhook-command.e2e.test.ts' },
  { begins: 'npx -y pnpm@12 qrcast tenants', check: 'apps/standalone/e2e/tenants-command.e2e.test.ts' },
  { begins: 'npx -y pnpm@12 qrcast top', check: 'apps/standalone/e2e/top.e2e.test.ts' },
  { begins: 'npx -y pnpm@12 qrcast doctor', check: 'apps/standalone/e2e/doctor.e2e.test.ts' },
  { begins: 'npx -y pnpm@12 qrcast rotate-keys', check: 'apps/standalone/e2e/rotate-keys.e2e.test.ts' },
  { begins: 'redis-cli hdel qrcast:', check: 'packages/runtime/src/keyring/key-proofs.redis.test.ts' },
  { begins: 'ACL SETUSER default off', check: 'infra/compose/e2e/up-without-containers.e2e.test.ts' },
  { begins: 'ACL SETUSER backup', check: 'apps/standalone/e2e/restore-backup.e2e.release.test.ts' },
  { begins: 'ACL SETUSER qrcast', check: 'apps/standalone/e2e/redis-user.e2e.test.ts' },
  { begins: 'npx -y pnpm@12 simulator', check: 'packages/simulator/src/main.test.ts' },
  { begins: 'npx -y pnpm@12 gateway', check: 'apps/standalone/e2e/unknown-settings.e2e.test.ts' },
  { begins: 'export REDIS_URL=', check: 'apps/standalone/e2e/unknown-settings.e2e.test.ts' },
  { begins: 'REDIS_URL=redis+sentinel:', check: 'packages/runtime/src/redis/sentinel.redis.test.ts' },
  { begins: 'REDIS_URL=redis+cluster:', check: 'packages/runtime/src/redis/cluster-url.test.ts' },
  {
    begins: 'REDISCLI_AUTH=<password of the cluster> redis-cli --cluster import',
    check: 'apps/standalone/e2e/move-redis.e2e.release.test.ts',
  },
  { begins: 'REDISCLI_AUTH=<password> redis-cli -h', check: 'apps/standalone/e2e/restore-backup.e2e.release.test.ts' },
  { begins: 'redis-cli config set appendonly', check: 'apps/standalone/e2e/restore-backup.e2e.release.test.ts' },
  { begins: 'redis-cli info persistence', check: 'apps/standalone/e2e/restore-backup.e2e.release.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/image build-image', check: 'infra/image/e2e/image.e2e.release.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/image sbom', check: 'infra/image/src/sbom.test.ts' },
  { begins: 'node /qrcast/infra/image/src/health.ts', check: 'infra/image/e2e/image.e2e.release.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/compose make-secrets', check: 'infra/compose/e2e/up-without-containers.e2e.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/compose up-without-containers', check: 'infra/compose/e2e/up-without-containers.e2e.test.ts' },
  { begins: 'export REDIS_URL_FILE=infra/compose', check: 'infra/compose/e2e/up-without-containers.e2e.test.ts' },
  { begins: 'QRCAST_PUBLIC_URL=https://qr.example.com', check: 'infra/compose/src/compose.test.ts' },
  { begins: 'curl --cacert infra/compose/secrets/', check: 'infra/compose/e2e/up-without-containers.e2e.test.ts' },
  { begins: 'image: { repository: registry.example.com/qrcast }', check: 'infra/chart/src/readme.test.ts' },
  { begins: 'kubectl create namespace qrcast', check: 'infra/chart/src/readme.test.ts' },
  { begins: 'kubectl exec --namespace qrcast', check: 'infra/chart/src/readme.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/chart write', check: 'infra/chart/src/values.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/licences write', check: 'infra/licences/src/licences.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/runtime settings', check: 'packages/runtime/src/process/settings-document.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/runtime metrics', check: 'packages/runtime/src/process/metrics-document.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/capacity', check: 'infra/capacity/src/capacity.test.ts' },
  { begins: `import { NodeSDK } from '@opentelemetry/sdk-node'`, check: 'apps/standalone/e2e/traces.e2e.test.ts' },
  { begins: 'export OTEL_SERVICE_NAME=', check: 'apps/standalone/e2e/traces.e2e.test.ts' },
  { begins: 'histogram_quantile(', check: 'infra/monitoring/src/monitoring.test.ts' },
  { begins: 'nodejs_eventloop_lag_max_seconds', check: 'infra/monitoring/src/monitoring.test.ts' },
  { begins: 'scrape_configs:', check: 'infra/monitoring/src/promtool.release.test.ts' },
  { begins: 'npx -y pnpm@12 --filter @qrcast/docs build', check: 'apps/docs/src/site.test.ts' },
  { begins: 'npx -y pnpm@12 release', check: 'infra/release/src/make-release.release.test.ts' },
  { begins: 'npx -y pnpm@12 version', check: 'infra/release/src/versions.test.ts' },
  { begins: 'npx -y pnpm@12 bench', check: 'infra/bench/src/role.test.ts' },
  { begins: 'npx -y pnpm@12 chaos', check: 'apps/standalone/chaos/chaos.e2e.release.test.ts' },
  { begins: '# in http:\nmap $http_upgrade', check: 'apps/standalone/e2e/path-prefix.e2e.test.ts' },
  { begins: '<script type="module" src="http://127.0.0.1:3000/element.js">', check: 'apps/standalone/e2e/element.e2e.test.ts' },
];

/** Not run, for this reason. */
export const NOT_RUN: readonly Rule<string>[] = [
  ...['install -d /etc/qrcast', 'systemctl daemon-reload', 'for one in qrcast-gateway@', 'set -a; . /etc/qrcast/'].map((begins) => ({
    begins,
    check: 'systemd does not run here; a test has it verify the units, and runs their commands with these files',
  })),
  {
    begins: 'docker ',
    check: 'the tests have no Docker; buildah builds the same Dockerfile, and compose.yaml is started without containers',
  },
  { begins: 'helm ', check: 'it needs a cluster; the chart is rendered by the release tests' },
  { begins: 'kubectl ', check: 'it needs a cluster' },
  { begins: 'redis-cli --cluster check', check: 'it is a command of Redis, named for its output' },
  { begins: 'redis-cli -c', check: 'an option, named alone' },
  { begins: 'npx -y pnpm@12 test', check: 'it runs this test' },
  { begins: 'npx -y pnpm@12 check', check: 'it runs the plain part of these tests' },
  { begins: 'npx -y pnpm@12 build', check: 'turbo runs it before these tests' },
  { begins: 'npx -y pnpm@12 mutate', check: 'it changes the files under test, for minutes' },
  { begins: 'npx -y pnpm@12 exec', check: 'a prefix; or it would rewrite the files under test' },
  { begins: 'npx -y pnpm@12 audit', check: 'its answer changes with the registry' },
];

/** An inline code span is a command if it begins like this. */
const COMMAND = /^(?:[A-Z_]+=\S+ )*(?:npx|pnpm|npm|cd|curl|git|node|openssl|vitest|redis-cli|exec|export|sudo|apt-get|docker) /;

/** @returns the blocks and commands of one document in their order, each once */
export function shownIn(markdown: string): string[] {
  const blocks: string[] = [];
  const lines = markdown.replaceAll(/^ *```[^\n]*\n(.*?)^ *```$/gms, (_whole, text: string) => {
    blocks.push(withoutIndent(text));
    return '';
  });
  const spans = [...lines.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text.replaceAll(/\s+/g, ' '));
  return [...new Set([...blocks, ...spans.filter((text) => COMMAND.test(text))])];
}

/** A block in a list is indented. */
function withoutIndent(text: string): string {
  const indent = /^ */.exec(text)?.[0] ?? '';
  return text.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trim();
}

export function readShown(): Shown[] {
  return DOCUMENTS.flatMap((document) => shownIn(readFileSync(`${TOP}${document}`, 'utf8')).map((text) => ({ document, text })));
}

/**
 * @returns the rule with the longest beginning: "npx -y pnpm@12 test:release" also begins with "npx
 * -y pnpm@12 test"
 */
export function ruleFor<Check>(rules: readonly Rule<Check>[], text: string): Rule<Check> | undefined {
  return rules.filter(({ begins }) => text.startsWith(begins)).sort((a, b) => b.begins.length - a.begins.length)[0];
}
