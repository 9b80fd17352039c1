/** Sessions in Redis: a hash per session (version, record, picture, sealed credentials), one script to change it, one channel to tell. */

import { callbackOf } from '@qrcast/core/callback';
import { reduce, type SessionEvent } from '@qrcast/core/reduce';
import type { Policy } from '@qrcast/core/schedule';
import { isFinal, type Session } from '@qrcast/core/session';
import type { Redis } from 'ioredis';
import type { AuditLog } from '../audit/audit-log.ts';
import { auditSessionEnd } from '../audit/audit-session-end.ts';
import { errorFields, type Logger } from '../log.ts';
import { createOutbox, sessionMark } from '../outbox/outbox.ts';
import type { Bus } from '../redis/bus.ts';
import { type Namespace, sessionCallbacksKey, sessionChannel, sessionKey } from '../redis/keys.ts';
import { loadLuaScript } from '../redis/lua-script.ts';
import { pictureChange } from './picture-change.ts';
import { decodeChange, decodeSession, encodeSession, type Snapshot } from './session-codec.ts';
import { type Change, KEEP_EXPIRED_MS, type Known, MAX_RACES, type Sessions, type Watch } from './sessions.ts';

export interface RedisSessionsDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: Redis;
  readonly bus: Bus;
  readonly namespace: Namespace;
  readonly policy: Policy;
  readonly log: Logger;
  /** Told of logins and ends. */
  readonly audit?: Pick<AuditLog, 'record'>;
  /** Whether the credentials stay when a session of the tenant connects, until connected-instances.ts takes them over. Never if left out. */
  readonly keepsCredentials?: (tenantId: string) => Promise<boolean>;
  readonly rereadEveryMs?: number;
}

/** Watched sessions are read again this often, whatever the subscription says. */
const REREAD_EVERY_MS = 30_000;
const REREAD_SLICES = 10;
/** After a reconnect all are read, this many at once. */
const REREAD_BATCH = 200;

interface Watcher {
  readonly sessionId: string;
  readonly slice: number;
  /** Newest version let through the gate. */
  version: number;
  /** Of the code shown last; `url` null if the picture is lost. */
  image: { digest: string; url: string | null } | null;
  deliver: ((snapshot: Snapshot) => void) | null;
}

export function openRedisSessions(deps: RedisSessionsDeps): Sessions {
  const { redis, bus, namespace, policy, audit, log, rereadEveryMs = REREAD_EVERY_MS } = deps;
  const commit = loadLuaScript(redis, new URL('./session-commit-2.lua', import.meta.url));
  const removeScript = loadLuaScript(redis, new URL('./session-remove-1.lua', import.meta.url));
  const outbox = createOutbox({ redis, namespace, log });
  const watchers = new Set<Watcher>();

  async function load(sessionId: string): Promise<Session | null> {
    const record = await redis.hget(sessionKey(namespace, sessionId), 'record');
    return record === null ? null : decodeSession(record, sessionId);
  }

  async function readFrom(connection: Redis, sessionId: string): Promise<Snapshot | null> {
    const [record, image] = await connection.hmget(sessionKey(namespace, sessionId), 'record', 'image');
    return record == null ? null : { session: decodeSession(record, sessionId), image: image ?? null };
  }

  /** True if `next` was written over `previous`; else what stands instead, null if nothing does. */
  async function replace(previous: Session, next: Session, event: SessionEvent): Promise<true | Session | null> {
    const callback = callbackOf(previous, next, event.at);
    const isKept = next.state.kind === 'connected' && (await deps.keepsCredentials?.(next.tenantId)) === true;
    const args = [
      previous.version,
      next.version,
      encodeSession(next),
      pictureChange(previous, next, event),
      sessionChannel(namespace, next.id),
      isFinal(next) && !isKept ? '-' : '',
      '',
      callback === null ? '' : JSON.stringify(callback),
    ];
    const write = (): Promise<unknown> => commit([sessionKey(namespace, next.id), sessionCallbacksKey(namespace, next.id)], args);
    // The mark is in another slot than the session, so no part of the script.
    const reply = await (callback === null ? write() : outbox.markAround(sessionMark(next.id), write));
    if (reply === 1) return true;
    return typeof reply === 'string' ? decodeSession(reply, next.id) : null;
  }

  async function change(sessionId: string, event: SessionEvent, known?: Known): Promise<Change | null> {
    const isRemembered = known !== undefined && 'remembered' in known;
    let current = isRemembered ? known.remembered : (known?.justRead ?? (await load(sessionId)));
    let isKnownToStand = !isRemembered;
    for (let race = 0; race < MAX_RACES && current !== null; race++) {
      const next = reduce(policy, current, event);
      if (next === current && isKnownToStand) return { before: current, after: current };
      if (next === current) {
        current = await load(sessionId); // "nothing to do" must be said of what stands, not of what stood
      } else {
        const outcome = await replace(current, next, event);
        if (outcome === true) {
          const entry = auditSessionEnd(current, next, event);
          if (entry !== null) audit?.record(entry);
          return { before: current, after: next };
        }
        current = outcome;
      }
      isKnownToStand = true;
    }
    if (current !== null) throw new Error(`session ${sessionId} was changed by others ${MAX_RACES} times in a row`);
    return null;
  }

  /** The gate: one way to a watcher for changes, first reads and re-reads alike. */
  function offer(watcher: Watcher, { session, image }: Snapshot): void {
    if (watcher.deliver === null || session.version <= watcher.version) return;
    const digest = session.state.kind === 'showing' ? session.state.code.digest : null;
    if (digest === null) watcher.image = null;
    else if (image !== null) watcher.image = { digest, url: image };
    else if (watcher.image?.digest !== digest) {
      reread(watcher); // the picture went by unseen
      return;
    }
    watcher.version = session.version;
    watcher.deliver({ session, image: watcher.image?.url ?? null });
  }

  function reread(watcher: Watcher): void {
    readFrom(bus.connection, watcher.sessionId)
      .then((snapshot) => snapshot !== null && offerRead(watcher, snapshot))
      // Also what a listener could not use: nobody else would catch it.
      .catch((error: unknown) =>
        log.warn({ sessionId: watcher.sessionId, ...errorFields(error) }, 'a watched session could not be read again'),
      );
  }

  /** Null, and the record is read instead, where the message cannot be used. */
  function readChange(watcher: Watcher, message: string): ReturnType<typeof decodeChange> | null {
    try {
      return decodeChange(message, watcher.sessionId);
    } catch {
      log.warn({ sessionId: watcher.sessionId }, 'a published change could not be read; its record is read instead');
      if (watcher.deliver !== null) reread(watcher);
      return null;
    }
  }

  /** What was read is whole: a picture that is missing there is missing for good, and must not be asked for again and again. */
  function offerRead(watcher: Watcher, { session, image }: Snapshot): void {
    if (session.state.kind === 'showing' && image === null) watcher.image = { digest: session.state.code.digest, url: null };
    offer(watcher, { session, image });
  }

  const undoReset = bus.onReset(() => {
    const all = [...watchers];
    for (let i = 0; i < all.length; i += REREAD_BATCH) setImmediate(() => all.slice(i, i + REREAD_BATCH).forEach(reread));
  });
  // A slice at a time: all at once would hold up what is being delivered.
  let slice = 0;
  const timer = setInterval(() => {
    slice = (slice + 1) % REREAD_SLICES;
    for (const watcher of watchers) if (watcher.slice === slice) reread(watcher);
  }, rereadEveryMs / REREAD_SLICES);

  function watch(sessionId: string, onChange: (snapshot: Snapshot) => void): Watch {
    const watcher: Watcher = { sessionId, slice: watchers.size % REREAD_SLICES, version: 0, image: null, deliver: null };
    const early: { session: Session; image: string | null }[] = [];
    const unsubscribe = bus.subscribe(sessionChannel(namespace, sessionId), (message) => {
      const change = readChange(watcher, message);
      if (change === null) return;
      if (watcher.deliver === null) early.push(change);
      else offer(watcher, change);
    });
    watchers.add(watcher);
    let closed = false;

    const first = readFrom(bus.connection, sessionId).then((snapshot) => {
      const passed: Snapshot[] = [];
      watcher.deliver = (next) => passed.push(next);
      if (snapshot !== null) offerRead(watcher, snapshot);
      for (const change of early) offer(watcher, change);
      watcher.deliver = closed ? null : onChange;
      return passed.at(-1) ?? null;
    });
    return {
      first,
      close() {
        closed = true;
        watcher.deliver = null;
        watchers.delete(watcher);
        unsubscribe();
      },
    };
  }

  return {
    async create(session, sealed) {
      const args = [
        '0',
        session.version,
        encodeSession(session),
        '',
        sessionChannel(namespace, session.id),
        sealed,
        session.expiresAt + KEEP_EXPIRED_MS,
        '',
      ];
      if ((await commit([sessionKey(namespace, session.id), sessionCallbacksKey(namespace, session.id)], args)) !== 1)
        throw new Error(`session ${session.id} exists already`);
    },
    apply: async (...call) => (await change(...call))?.after ?? null,
    change,
    current: (sessionId, now, known) => change(sessionId, { kind: 'elapsed', at: now }, known),
    find: load,
    read: (sessionId) => readFrom(redis, sessionId),
    readSealed: (sessionId) => redis.hget(sessionKey(namespace, sessionId), 'sealed'),
    async expire(sessionId, at) {
      await redis.pexpireat(sessionKey(namespace, sessionId), at, 'LT');
    },
    remove: async (session) => (await removeScript([sessionKey(namespace, session.id)], [session.version])) === 1,
    watch,
    async close() {
      clearInterval(timer);
      undoReset();
      for (const watcher of watchers) watcher.deliver = null;
      watchers.clear();
    },
  };
}
