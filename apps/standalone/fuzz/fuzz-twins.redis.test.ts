/**
 * Shows that the fuzz notices faults: for each edge, it runs a careless program in place of ours,
 * and its fault is found and shrunk.
 */

import { randomUUID } from 'node:crypto';
import { SettingsError } from '@qrcast/runtime/process/settings';
import { sessionKey, tenantsKey } from '@qrcast/runtime/redis/keys';
import { createReleasers } from '@qrcast/runtime/releasers';
import type {} from '@qrcast/runtime/test/redis'; // what `inject` knows
import { Redis } from 'ioredis';
import { afterAll, inject, it } from 'vitest';
import { spawnNode } from '../test/role-process.ts';
import { createSubject, expectFound, names, openCareless } from './careless.ts';
import { httpEdge } from './http.ts';
import { notificationEdge } from './notifications.ts';
import { fileEdge, roleEnvironmentEdge, settingsEdge } from './own-side.ts';
import { openHostileProvider, polledEdge, providerEdge } from './provider-answers.ts';
import { type RedisStage, redisEdge } from './redis.ts';
import { socketIoEdge } from './socketio.ts';
import { webSocketEdge } from './websocket.ts';

const releasers = createReleasers();
afterAll(() => releasers.release());

it.concurrent('HTTP: a server that repeats the secret of a request', async () => {
  const { port, subject } = await openCareless(releasers, (request) => request.headers.authorization);
  await expectFound(httpEdge({ ...names, port }), subject, /a secret/);
});

it.concurrent('WebSocket: a server that treats every message as a valid one', async () => {
  const { port, subject } = await openCareless(releasers, () => undefined);
  await expectFound(webSocketEdge({ ...names, port }), subject, /crashed: (Syntax|Type)Error/);
});

it.concurrent('Socket.IO: a server that reads as many attachments as a packet announces', async () => {
  const { port, subject } = await openCareless(releasers, (request, body) => {
    if (request.method === 'GET') return '0{"sid":"abc"}';
    if (body.split('\x1e').some((packet) => /^45[1-9]/.test(packet))) throw new Error('attachments that never came');
    return undefined;
  });
  await expectFound(socketIoEdge({ ...names, port }), subject, /attachments that never came/);
});

it.concurrent('notifications: a server that trusts their shape', async () => {
  const { port, subject } = await openCareless(releasers, (_request, body) => {
    const { instanceData } = JSON.parse(body) as { instanceData: { idInstance: number } };
    instanceData.idInstance.toFixed();
    return undefined;
  });
  await expectFound(notificationEdge({ ...names, port }), subject, /crashed: (Syntax|Type)Error/);
});

it.concurrent('provider answers: a client that expects only JSON', async () => {
  const hostile = await openHostileProvider(names.planted);
  releasers.push('hostile provider', () => hostile.close());
  const ask = async ({ apiUrl, instanceId }: { apiUrl: string; instanceId: string }) => {
    const answer = await fetch(`${apiUrl}/waInstance${instanceId}/qr`, { signal: AbortSignal.timeout(300) });
    return { kind: 'trouble', code: ((await answer.json()) as { type: string }).type } as never; // any outcome will do
  };
  await expectFound(providerEdge(hostile, { poll: ask, sendPassword: ask, getSettings: ask }), createSubject(), /no outcome/);
});

it.concurrent('environment: a reader that throws the error of its parser', async () => {
  const read = (env: Readonly<Record<string, string | undefined>>): void => {
    if (env['PORT'] !== undefined && !/^\d/.test(env['PORT'])) throw new SettingsError([`PORT: ${env['PORT']} is no number`]);
  };
  await expectFound(settingsEdge(names.planted, read), createSubject(), /a secret/);
});

it.concurrent('environment of a process: one that crashes because of a value', async () => {
  const careless = `
    if (Object.values(process.env).some((value) => value.includes('%'))) throw new Error('a value with %');
    console.log(['gateway listens', 'worker is', 'up'].join(' '));
    setInterval(() => undefined, 1_000);
  `;
  const spawn: Parameters<typeof roleEnvironmentEdge>[2] = (_role, env) => spawnNode(['-e', careless], env);
  await expectFound(roleEnvironmentEdge(names.planted, { PORT: '0' }, spawn), createSubject(), /it ended with 1: .*a value with %/s);
});

it.concurrent('files: a reader that repeats what it could not read', async () => {
  const read = async (what: string, _folder: string, bytes: Buffer): Promise<void> => {
    if (what === 'keys' && !bytes.includes('{')) throw new Error(`expected JSON, and got ${bytes.toString('latin1')}`);
  };
  await expectFound(fileEdge(names.planted, read), createSubject(), /a secret/);
});

it.concurrent('files: a reader that trusts their shape', async () => {
  const read = async (what: string, _folder: string, bytes: Buffer): Promise<void> => {
    if (what === 'piped') JSON.parse(bytes.toString());
  };
  await expectFound(fileEdge(names.planted, read), createSubject(), /is not valid JSON|Unexpected/);
});

it.concurrent('provider answers to a worker: one that treats a code as text', async () => {
  const hostile = await openHostileProvider(names.planted);
  releasers.push('hostile provider', () => hostile.close());
  const subject = createSubject();
  const watch = async (instanceId: string, apiUrl: string): Promise<string> => {
    const answer = await fetch(`${apiUrl}/waInstance${instanceId}/qr`, { signal: AbortSignal.timeout(100) }).catch(() => null);
    const body = await answer?.text().catch(() => undefined);
    const told = body === undefined ? null : (parsed(body) as { message?: string } | null);
    subject.watched(() => told?.message?.startsWith('data:'));
    return '';
  };
  await expectFound(polledEdge(hostile, { watch }), subject, /crashed: TypeError/);
});

it.concurrent('Redis: a gateway that trusts the records it reads', async () => {
  const redis = new Redis(inject('redisUrl'));
  releasers.push('redis', () => void redis.disconnect());
  const { port, subject } = await openCareless(releasers, () => undefined);
  const namespace = `twin-${randomUUID().slice(0, 8)}`;
  let made = 0;
  const stage: RedisStage = {
    namespace,
    adminKey: 'admin',
    gateway: { port },
    simulator: { createInstance: () => ({ idInstance: String(1_101_000_000 + ++made), apiToken: 'token' }) },
    async newTenant(id) {
      await redis.hset(tenantsKey(namespace), id, JSON.stringify({ id, name: id }));
      return { ...names.tenant, id };
    },
    async create() {
      const sessionId = `ses_${++made}`;
      await redis.hset(
        sessionKey(namespace, sessionId),
        'record',
        JSON.stringify({ id: sessionId, state: { kind: 'waiting' }, version: 3 }),
      );
      return { sessionId, ticket: 'ticket' };
    },
    async call(_method, path) {
      const sessionId = /^\/v1\/sessions\/(\w+)$/.exec(path)?.[1];
      const record = sessionId === undefined ? null : await redis.hget(sessionKey(namespace, sessionId), 'record').catch(() => null);
      if (record !== null) subject.watched(() => (JSON.parse(record) as { state: { kind: string } }).state.kind.toLowerCase());
      return new Response('{}');
    },
  };
  await expectFound(redisEdge(stage, redis), subject, /crashed: (Syntax|Type)Error/);
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
