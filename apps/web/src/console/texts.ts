/**
 * All texts of the console, in each language. Its readers are operators and developers, so the texts
 * use the words of the documents. A word of the contract without a text does not compile; a word of
 * a newer gateway is shown as it came (`wordOf`).
 */

import type { AuditAction, AuditEntry } from '@qrcast/core/audit';
import type { CallbackState, WireCallback } from '@qrcast/core/callback';
import type { OverviewSession } from '@qrcast/core/overview';
import type { Statistics } from '@qrcast/core/statistics';
import type { Weather } from '@qrcast/core/weather';

export type ViewName = 'sessions' | 'logins' | 'weather' | 'tenants' | 'audit' | 'callbacks';
export type Step = keyof Statistics['hours'][number]['steps'];
type EndReason = NonNullable<OverviewSession['end']>['reason'];
type NoticeCode = NonNullable<OverviewSession['notice']>['code'];
export type Cause =
  | 'created'
  | 'watched'
  | 'hidden'
  | 'unwatched'
  | 'abandoned'
  | 'resumed'
  | 'started_over'
  | 'cancelled'
  | 'elapsed'
  | 'slow'
  | 'host_slow'
  | 'host_fine'
  | 'postponed'
  | 'password_refused'
  | 'answered';

/** What the provider may say besides notices and ends. */
type Said = 'code' | 'authorized' | 'not_authorized' | 'password_wanted' | 'suspended' | 'logged_out';

/** What is wrong, by what a person can do about it. */
export type Trouble = 'wrongKey' | 'forbidden' | 'noConnection' | 'draining' | 'tooSlow' | 'noApi' | 'tooMany' | 'unavailable' | 'other';

interface Words {
  readonly title: string;
  readonly todo: string;
}

export interface ConsoleTexts {
  readonly name: string;
  readonly skip: string;
  readonly navigation: string;
  readonly views: Readonly<Record<ViewName, string>>;
  readonly roles: Readonly<Record<'operator' | 'tenant', string>>;
  readonly language: string;
  readonly signIn: {
    readonly title: string;
    readonly lead: string;
    readonly key: string;
    readonly submit: string;
    readonly busy: string;
    readonly promise: string;
    readonly signOut: string;
  };
  readonly troubles: Readonly<Record<Trouble, Words>>;
  readonly states: Readonly<Record<OverviewSession['state'], string>>;
  readonly notices: Readonly<Record<NoticeCode, string>>;
  readonly ends: Readonly<Record<EndReason | 'unwatched', string>>;
  readonly sessions: {
    readonly lead: string;
    readonly live: string;
    readonly connecting: string;
    /** `what`: the title of a trouble. */
    readonly lost: (what: string, seconds: string) => string;
    readonly paused: (time: string) => string;
    readonly pause: string;
    readonly goOn: string;
    readonly search: string;
    readonly searchHint: string;
    readonly state: string;
    readonly anyState: string;
    readonly liveOnly: string;
    readonly tenant: string;
    readonly anyTenant: string;
    readonly shown: (shown: string, all: string) => string;
    readonly isCut: string;
    readonly none: string;
    readonly noneFit: string;
    readonly columns: Readonly<Record<'state' | 'session' | 'tenant' | 'instance' | 'viewers' | 'remark' | 'age', string>>;
    readonly retryAt: (time: string) => string;
  };
  readonly timeline: {
    readonly title: string;
    readonly back: string;
    readonly download: string;
    readonly reload: string;
    readonly picture: (span: string) => string;
    readonly list: string;
    readonly since: string;
    readonly isCut: string;
    readonly took: (ms: string) => string;
    readonly codes: (count: string) => string;
    readonly isUnwatched: string;
    readonly repeats: (count: string) => string;
    readonly answer: (word: string) => string;
    readonly delivery: (viewers: string, messages: string) => string;
    readonly slowest: (ms: string) => string;
    readonly gateway: (id: string) => string;
    readonly causes: Readonly<Record<Cause, string>>;
    readonly answers: Readonly<Record<Said, string>>;
  };
  readonly logins: {
    readonly lead: string;
    readonly span: string;
    readonly spans: Readonly<Record<'24' | '168', string>>;
    readonly funnel: string;
    readonly funnelNote: string;
    readonly steps: Readonly<Record<Step, string>>;
    readonly overTime: string;
    readonly attempts: string;
    readonly logins: string;
    readonly firstCode: string;
    readonly firstCodeNote: (share: string) => string;
    readonly took: string;
    readonly count: string;
    readonly share: string;
    readonly step: string;
    readonly from: string;
    readonly ends: string;
    readonly noEnds: string;
    readonly reason: string;
    readonly none: string;
    readonly asTable: string;
    readonly within: (seconds: string) => string;
    readonly longer: (seconds: string) => string;
  };
  readonly weather: {
    readonly lead: string;
    readonly states: Readonly<Record<Weather['hosts'][number]['state'], string>>;
    readonly meaning: Readonly<Record<Weather['hosts'][number]['state'], string>>;
    readonly requests: string;
    readonly failed: string;
    readonly slow: string;
    readonly usual: string;
    readonly minute: string;
    readonly outcomes: string;
    readonly none: string;
    readonly within: (seconds: string) => string;
    readonly picture: (host: string) => string;
  };
  readonly tenants: {
    readonly lead: string;
    readonly none: string;
    readonly columns: Readonly<Record<'tenant' | 'state' | 'keys' | 'created' | 'actions', string>>;
    readonly active: string;
    readonly suspended: string;
    readonly open: string;
    readonly close: string;
    readonly suspend: string;
    readonly resume: string;
    readonly suspendQuestion: (name: string) => string;
    readonly suspendMeaning: string;
    readonly addKey: string;
    readonly removeKey: string;
    readonly removeKeyLabel: (id: string) => string;
    readonly removeQuestion: (id: string) => string;
    readonly removeMeaning: string;
    readonly key: string;
    readonly lastUsed: string;
    readonly neverUsed: string;
    readonly create: string;
    readonly id: string;
    readonly idHint: string;
    readonly title: string;
    readonly submit: string;
    readonly secretsTitle: string;
    readonly secretsNote: string;
    readonly secrets: Readonly<Record<'apiKey' | 'webhookToken' | 'webhookUrl' | 'callbackSecret', string>>;
    readonly copy: string;
    readonly copyLabel: (name: string) => string;
    readonly copied: string;
    readonly notCopied: string;
    readonly hide: string;
    readonly waiting: string;
    readonly leaveQuestion: string;
    readonly leaveMeaning: string;
    readonly cancel: string;
  };
  readonly audit: {
    readonly lead: string;
    readonly action: string;
    readonly anyAction: string;
    readonly session: string;
    readonly tenant: string;
    readonly filter: string;
    readonly older: string;
    readonly newest: string;
    readonly none: string;
    readonly columns: Readonly<Record<'at' | 'action' | 'actor' | 'subject' | 'outcome' | 'address', string>>;
    readonly actions: Readonly<Record<AuditAction, string>>;
    readonly actors: Readonly<Record<AuditEntry['actor']['kind'], string>>;
    readonly ok: string;
  };
  readonly callbacks: {
    readonly lead: string;
    readonly state: string;
    readonly anyState: string;
    readonly states: Readonly<Record<CallbackState, string>>;
    readonly types: Readonly<Record<WireCallback['type'], string>>;
    readonly columns: Readonly<Record<'at' | 'type' | 'session' | 'state' | 'tries' | 'actions', string>>;
    readonly replay: string;
    readonly replayLabel: (id: string) => string;
    readonly replayed: string;
    readonly none: string;
    readonly status: (status: string) => string;
    readonly nextAt: (time: string) => string;
  };
  readonly loading: string;
  readonly again: string;
  readonly waits: (time: string) => string;
  readonly more: string;
}

/** The text for a word, or the word itself if a newer gateway sent one that has no text yet. */
export function wordOf(texts: Readonly<Record<string, string>>, word: string): string {
  return Object.hasOwn(texts, word) ? (texts[word] ?? word) : word;
}
