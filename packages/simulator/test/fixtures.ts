/**
 * For tests: a simulator that closes with its test, a clock that the test moves, a simple client
 * and a receiver of webhooks.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Instance } from '../src/instance.ts';
import type { SimulatorOptions } from '../src/options.ts';
import type { Simulator } from '../src/simulator.ts';
import { openSimulator } from '../src/simulator.ts';

export async function simulatorForTest(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await openSimulator({ seed: 'test', enforceRateLimit: false, ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}

/** A clock that does not move by itself. It starts on a whole second. */
export function createClock(start = 1_800_000_000_000): { now: () => number; advance: (ms: number) => void } {
  let time = start;
  return {
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
  };
}

export function methodUrl(simulator: Simulator, instance: Instance, method: string, tail = ''): string {
  return `${simulator.url}/waInstance${instance.idInstance}/${method}/${instance.apiToken}${tail}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export async function call(url: string, method = 'GET', body?: unknown): Promise<Answer> {
  const payload = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(url, { method, redirect: 'manual', ...payload });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** The JSON answer to a GET, or to a POST if `body` is given. */
export async function callJson(url: string, body?: unknown): Promise<unknown> {
  const { text } = await call(url, body === undefined ? 'GET' : 'POST', body);
  return JSON.parse(text);
}

export interface Hit {
  readonly authorization: string | undefined;
  readonly body: { readonly stateInstance: string; readonly timestamp: number; readonly instanceData: Readonly<Record<string, unknown>> };
  /** Answers the webhook with this status. Until it is called the webhook hangs. */
  readonly answer: (status: number) => void;
}

export interface Receiver {
  readonly url: string;
  /** The next webhook, in order of arrival. */
  readonly next: () => Promise<Hit>;
  /** How many arrived and were not taken by `next`. */
  readonly waiting: () => number;
}

export async function receiverForTest(): Promise<Receiver> {
  const hits: Hit[] = [];
  const takers: ((hit: Hit) => void)[] = [];
  const server = createServer(async (request, response) => {
    const source = await new Response(request).text();
    const hit: Hit = {
      authorization: request.headers.authorization,
      body: JSON.parse(source),
      answer: (status) => void response.writeHead(status).end(),
    };
    const taker = takers.shift();
    if (taker === undefined) hits.push(hit);
    else taker(hit);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const next = async (): Promise<Hit> => hits.shift() ?? new Promise((resolve) => takers.push(resolve));
  return { url: `http://127.0.0.1:${port}/hook`, next, waiting: () => hits.length };
}
