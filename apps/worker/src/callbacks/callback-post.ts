/**
 * One signed POST to a tenant's server. The address comes from the tenant, so it is judged here, where the request leaves, and each
 * connection's address as it is made: a name that led elsewhere a moment ago does not matter. No redirect is followed; what the server
 * answers is bounded and dropped.
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
  /** It is signed with each of them. */
  readonly secrets: readonly string[];
}

export type PostReply =
  | { readonly status: number; readonly retryAfterMs?: number }
  /** `cause`: of a connection that was tried. */
  | { readonly error: AttemptError; readonly cause?: ConnectionCause };

export interface CallbackPost {
  /** Never rejects for what the other side does. `now`: Unix ms, for the signature. */
  send(message: Message, now: number): Promise<PostReply>;
  /** Ends every request; those under way resolve as `unreachable`, with the cause `stopped`. */
  close(): Promise<void>;
}

export interface CallbackPostOptions {
  /** As QRCAST_CALLBACK_HOSTS. */
  readonly callbackHosts: readonly string[];
  /** What every request goes through, to the address that was judged; directly if left out. */
  readonly proxy?: HttpProxy | undefined;
  /** Called for each tunnel that the proxy did not open, with the host and port behind it. */
  readonly onProxyFault?: (fault: ProxyFault, target: string) => void;
  readonly timeoutMs?: number;
  /** For tests; else callback-lookup.ts. */
  readonly lookup?: LookupFunction;
  /** For tests; else the system's. */
  readonly nameServers?: readonly string[];
}

/** From the call to the end of the answer. */
const TIMEOUT_MS = 15_000;
const MAX_BODY_BYTES = 64 * 1024;

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
    // The status says it all; a body that is too long, too slow or cut off changes nothing.
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

/** Either way a name becomes an address here, where it is judged: a proxy is told the address alone. */
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

/** Seconds, or a date. */
function retryAfterOf({ headers }: Dispatcher.ResponseData, now: number): number | null {
  const text = String(headers['retry-after'] ?? '');
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}

const causeOf = (error: unknown): ConnectionCause => (error instanceof ProxyFault ? 'proxy' : connectionCause(error));

function errorOf(error: unknown): AttemptError {
  if (error instanceof ProxyFault) return error.kind === 'timeout' ? 'timeout' : 'unreachable'; // the server was not asked
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEOUT') return 'timeout'; // the last: of the name server
  return code === 'EACCES' ? 'address_not_allowed' : 'unreachable'; // EACCES is the lookup's word for a private address
}
