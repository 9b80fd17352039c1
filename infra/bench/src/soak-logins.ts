/**
 * The logins of a long run: sessions that are made over the API, watched, scanned after a minute,
 * and over. Their instances are used again after a while, as after a logout.
 */

import { type ApiAccess, createSession } from './api-client.ts';
import { pace } from './pace.ts';
import type { Role } from './role.ts';
import type { CodeProviderMethods } from './roles/code-provider.ts';
import type { SoakViewersMethods } from './roles/soak-viewers.ts';
import { apiTokenOf } from './seed.ts';

/** Beyond those of the waiting sessions. */
const FIRST_INSTANCE = 1_102_000_000;
const INSTANCES = 300;
const SCAN_AFTER_MS = 60_000;
/** Three polls of 5 s come within it. */
const TOLD_WITHIN_MS = 15_000;
/** Their records are kept an hour longer, so the keys that are counted leave them out. */
const EXPIRES_IN_SECONDS = 300;

export interface LoginCounts {
  readonly begun: number;
  /** Viewers that were told `connected`. */
  readonly connected: number;
  /** Sessions that could not be made, and viewers that were not told in time. */
  readonly failed: number;
  /** Why the last session could not be made; null if all could. */
  readonly lastError: string | null;
}

export interface SoakLogins {
  /** Begins one login a second, and goes on with those begun. */
  run(seconds: number): Promise<void>;
  /** Since the start. */
  counts(): LoginCounts;
}

interface LoginDeps {
  readonly access: ApiAccess;
  readonly provider: Pick<Role<CodeProviderMethods>, 'call'>;
  readonly viewers: Pick<Role<SoakViewersMethods>, 'call'>;
  /** The provider's origin. */
  readonly upstream: string;
}

interface Login {
  readonly instanceId: string;
  readonly ticket: string;
  readonly begunAt: number;
  isScanned: boolean;
}

export function createSoakLogins({ access, provider, viewers, upstream }: LoginDeps): SoakLogins {
  const counts = { begun: 0, connected: 0, failed: 0 };
  let lastError: string | null = null;
  const underWay = new Set<Login>();

  async function begin(): Promise<void> {
    const place = counts.begun++ % INSTANCES;
    const instanceId = String(FIRST_INSTANCE + place);
    await provider.call('unlink', instanceId);
    const fields = { instanceId, apiToken: apiTokenOf(FIRST_INSTANCE + place), apiUrl: upstream, expiresInSeconds: EXPIRES_IN_SECONDS };
    const { ticket } = await createSession(access, fields);
    await viewers.call('follow', ticket);
    underWay.add({ instanceId, ticket, begunAt: Date.now(), isScanned: false });
  }

  async function beginOrFail(): Promise<void> {
    try {
      await begin();
    } catch (error) {
      counts.failed++;
      lastError = error instanceof Error ? error.message : String(error);
    }
  }

  async function goOn(login: Login): Promise<void> {
    const ageMs = Date.now() - login.begunAt;
    if (!login.isScanned && ageMs >= SCAN_AFTER_MS) {
      login.isScanned = true;
      await provider.call('link', login.instanceId);
    } else if (ageMs >= SCAN_AFTER_MS + TOLD_WITHIN_MS) {
      underWay.delete(login);
      counts[(await viewers.call('unfollow', login.ticket)) ? 'connected' : 'failed']++;
    }
  }

  return {
    async run(seconds) {
      const steps: Promise<unknown>[] = [];
      await pace(1, seconds, () => {
        for (const step of [beginOrFail(), ...[...underWay].map(goOn)]) {
          step.catch(() => undefined); // reported below, once all have ended
          steps.push(step);
        }
      });
      await Promise.all(steps);
    },
    counts: () => ({ ...counts, lastError }),
  };
}
