/**
 * Sends one signed POST to a tenant's server. The address comes from the tenant, so it is judged
 * here, where the request leaves. The IP address is judged again for each connection, so a DNS
 * answer that changed meanwhile gains nothing. Redirects are not followed. The answer's body is
 * bounded and dropped.
 */

import type { LookupFunction } from 'node:net';
import type { AttemptError } from '@qrcast/core/callback';
import { isAllowedCallbackUrl, namedHosts } from '@qrcast/core/callback-address';
import type { ConnectionCause } from '@qrcast/core/connection-cause';
import { connectionCause } from '@qrcast/core/connection-fault';
import type { HttpProxy } from '@qrcast/core/http-proxy';
import { createConnector } from '@qrcast/provider/connector';
import { ProxyFault } from '@qrcast/provider/proxy-fault';
import { openTunnel } from '@qrcast/provider/tunnel';
import { Webhook } from 'standardwebhooks';
import { Agent, type Dispatcher } from 'undici';
import { openCallbackLookup } from './callback-lookup.ts';

export interface Message {
  readonly url: string;
  /** The `webhook-id`. */
  readonly id: string;
  readonly payload: string;
  /** The message is signed with each of them. */
  readonly secrets: readonly string[];
}

export type PostReply =
  | { readonly status: number; readonly retryAfterMs?: number }
  /** `cause`: why a connection failed, if one was tried. */
  | { readonly error: AttemptError; readonly cause?: ConnectionCause };

export interface CallbackPost {
  /** Never rejects because of the other side. `now`: Unix ms, for the signature. */
  send(message: Message, now: number): Promise<PostReply>;
  /** Ends all requests. Those under way resolve to `unreachable` with the cause `stopped`. */
  close(): Promise<void>;
}

export interface CallbackPostOptions {
  /** As QRCAST_CALLBACK_HOSTS. */
  readonly callbackHosts: readonly string[];
  /**
   * The proxy for every request, to the address that was judged. Without it requests go directly.
   */
  readonly proxy?: HttpProxy | undefined;
  /** Called for each tunnel that the proxy did not open, with the host and port behind it. */
  readonly onProxyFault?: (fault: ProxyFault, target: string) => void;
  readonly timeoutMs?: number;
  /** For tests. The default is callback-lookup.ts. */
  readonly lookup?: LookupFunction;
  /** For tests. The default is the system's. */
  readonly nameServers?: readonly string[];
}

/** From the call to the end of the answer. */
const TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 64 * 1024;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: sending and closing share the dispatcher and whether it is closed.
export function openCallbackPost(options: CallbackPostOptions): CallbackPost {
  const { callbackHosts, timeoutMs = TIMEOUT_MS, nameServers } = options;
  const named = namedHosts(callbackHosts);
  const own = openCallbackLookup({ namedHosts: named, nameServers });
  const way = openWay(options, named, options.lookup ?? own.lookup);
  let isClosed = false;

  async function post({ url, id, payload, secrets }: Message, now: number): Promise<PostReply> {
    const { origin, pathname, search } = new URL(url);
    const sentAt = new Date(now);
    const signatures = secrets.map((secret) => new Webhook(secret).sign(id, sentAt, payload));
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await way.dispatcher.request({
      origin,
      path: `${pathname}${search}`,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'qrcast',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now / 1000)),
        'webhook-signature': signatures.join(' '),
      },
      body: payload,
      signal,
    });
    // Only the status counts. A body that is too long, too slow or cut off changes nothing.
    await answer.body.dump({ limit: MAX_BODY_BYTES, signal }).catch(() => undefined);
    const retryAfterMs = retryAfterOf(answer, now);
    return { status: answer.statusCode, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
  }

  return {
    async send(message, now) {
      if (!isAllowedCallbackUrl(message.url, callbackHosts)) return { error: 'address_not_allowed' };
      try {
        return await post(message, now);
      } catch (error) {
        const failed = errorOf(error);
        if (failed === 'address_not_allowed') return { error: failed };
        return { error: failed, cause: isClosed ? 'stopped' : causeOf(error) };
      }
    },

    async close() {
      isClosed = true;
      const closed = way.close();
      own.close();
      await closed;
    },
  };
}

/** With or without a proxy, names are resolved and judged here. A proxy gets only the address. */
function openWay({ proxy, onProxyFault = () => undefined }: CallbackPostOptions, named: readonly string[], lookup: LookupFunction) {
  const agentOptions = { pipelining: 1, allowH2: false };
  if (proxy !== undefined) return openTunnel({ proxy, agent: agentOptions, lookup, onFault: onProxyFault });
  const connector = createConnector(named, lookup);
  const agent = new Agent({ ...agentOptions, connect: connector.connect });
  return {
    dispatcher: agent,
    async close() {
      const destroyed = agent.destroy();
      connector.close();
      await destroyed;
    },
  };
}

/** Retry-After is a number of seconds or a date. */
function retryAfterOf({ headers }: Dispatcher.ResponseData, now: number): number | null {
  const text = String(headers['retry-after'] ?? '');
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

const causeOf = (error: unknown): ConnectionCause => (error instanceof ProxyFault ? 'proxy' : connectionCause(error));

function errorOf(error: unknown): AttemptError {
  if (error instanceof ProxyFault) return error.kind === 'timeout' ? 'timeout' : 'unreachable'; // the request did not reach the server
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEOUT') return 'timeout'; // ETIMEOUT comes from the name server
  return code === 'EACCES' ? 'address_not_allowed' : 'unreachable'; // the lookup says EACCES for a private address
}
