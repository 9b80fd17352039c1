/** The settings of addresses: ours, those that may be called, and the proxies on the way there. */

import { ANY_PUBLIC_HOST, DEFAULT_CALLBACK_HOSTS } from '@qrcast/core/callback-address';
import { parsePublicUrl } from '@qrcast/core/public-url';
import { DEFAULT_UPSTREAM_HOSTS, parseUpstreamRule } from '@qrcast/core/upstream';
import { z } from 'zod';
import { httpProxy, noProxy } from './proxy-settings.ts';
import { EVERY_PROGRAM, EVERY_ROLE, GATEWAYS, listSchema, type Setting, WORKERS, whole, wholeSchema } from './setting.ts';

const publicUrl = z.string().transform((text, context) => {
  const parsed = parsePublicUrl(text);
  if (parsed.kind === 'url') return parsed.url;
  context.addIssue({ code: 'custom', message: parsed.fault, input: '' });
  return z.NEVER;
});

const isUpstreamRule = (entry: string): boolean => parseUpstreamRule(entry) !== null;
const upstreamHosts = listSchema(isUpstreamRule, 'a host, *.host, https://host or http://127.0.0.1:port');
const callbackHosts = listSchema(
  (entry) => entry === ANY_PUBLIC_HOST || isUpstreamRule(entry),
  '* (every public host), a host, *.host, https://host or http://127.0.0.1:port',
);

const YEAR_SECONDS = 31_536_000;
const MAX_HSTS_SECONDS = 2 * YEAR_SECONDS;

export const ADDRESS_SETTINGS = {
  QRCAST_PUBLIC_URL: {
    schema: publicUrl.optional(),
    form: 'http://… or https://…, with a port and a path if needed; a slash at the end is dropped',
    default: 'http://127.0.0.1:<PORT>',
    example: 'https://qrcast.example.com',
    readBy: GATEWAYS,
    what:
      'Where clients and the provider reach the gateways. It stands in page links and webhook URLs. ' +
      'If it is set, `start` listens on all addresses.',
    change:
      'Set it on everything but a demo. Without it, qrcast can neither compare nor set the webhook URL of an instance, because it does not ' +
      'know its own address.',
    details: [
      'With a path, as in https://example.com/qrcast, the gateways work below it. The proxy may take the path off (nginx: proxy_pass ' +
        'http://gateway/;) or leave it on (proxy_pass http://gateway;). Where it leaves two slashes (//v1), qrcast ignores one of them. The ' +
        'admin API is reachable only where the proxy takes the whole path off: see SECURITY.md.',
      'Refused: a query, a fragment, a user or password, // and . and .. in the path, invisible characters, and a path that begins with ' +
        'one of our own names (v1, connect, docs, socket.io, …). A path may be percent-encoded, except for / \\ ? # and %.',
    ],
  },
  QRCAST_HSTS_SECONDS: {
    ...whole(0, MAX_HSTS_SECONDS, 'seconds', YEAR_SECONDS),
    schema: wholeSchema(0, MAX_HSTS_SECONDS, 'seconds').optional(), // the default counts only for https without a path
    readBy: GATEWAYS,
    what:
      'Each answer tells browsers to use only https for this host for so long (Strict-Transport-Security, without subdomains). 0 turns it ' +
      'off. The header is sent only if QRCAST_PUBLIC_URL is https and has no path: below a path other programs share the host, and the proxy ' +
      'decides.',
    change: 'Lower it while you try https out.',
  },
  QRCAST_UPSTREAM_HOSTS: {
    schema: upstreamHosts.optional(),
    form: 'Hosts separated by commas; *. stands for exactly one label',
    default: DEFAULT_UPSTREAM_HOSTS.join(','),
    readBy: EVERY_ROLE,
    what:
      "The only hosts that a provider token is sent to, over https. The default is the provider's own hosts. " +
      "A tenant's own upstreamHosts can only narrow this list.",
    change: 'Change it to test against the simulator: name a loopback service with scheme and port (http://127.0.0.1:4000).',
  },
  QRCAST_CALLBACK_HOSTS: {
    schema: callbackHosts.default([...DEFAULT_CALLBACK_HOSTS]),
    form: 'Hosts separated by commas, or * for every public host; *. stands for exactly one label',
    default: DEFAULT_CALLBACK_HOSTS.join(','),
    readBy: EVERY_ROLE,
    what:
      'Where tenants may have callbacks and notifications sent: over https, and never to an address of a private network. ' +
      'A host that is named here in full may resolve to a private address. ' +
      'A loopback service must be named with scheme and port (http://127.0.0.1:8080).',
    change: 'Change it to limit what tenants can reach, or to let them reach a service of yours: *,hooks.internal.example.com',
  },
} as const satisfies Record<string, Setting>;

export const PROXY_SETTINGS = {
  HTTPS_PROXY: {
    schema: httpProxy.optional(),
    form: 'http://[user:password@]host[:port], or https://… for TLS to the proxy itself',
    default: null,
    example: 'http://proxy.example.com:3128',
    readBy: EVERY_PROGRAM,
    isSecret: true,
    what:
      'The proxy for every https request to the provider, always through a tunnel (CONNECT): it sees the host, but neither token nor answer. ' +
      "It resolves the provider's names. Callbacks and Redis do not use it. A loopback provider over plain http is asked directly. " +
      'Without it requests go directly.',
    change: 'Set it where the provider is reached only through a proxy.',
    details: [
      'Write special characters of user and password as %XX. The lower-case spelling takes precedence, as with curl.',
      'Each process logs at its start which proxy it uses, by host and port. A failure there is logged once a minute ("a request failed at ' +
        'the proxy"), and viewers see `provider_unreachable`. HTTP_PROXY, ALL_PROXY and SOCKS proxies are not used.',
      'If the proxy opens TLS and shows certificates of its own, name its authority to Node: NODE_EXTRA_CA_CERTS=/path/to/ca.pem, or ' +
        'NODE_USE_SYSTEM_CA=1 for the authorities of the system (Node reads SSL_CERT_FILE only with --use-openssl-ca). Such a proxy can ' +
        "answer in the provider's name. A block page with status 403 then ends sessions as refused, so let it pass the provider's hosts " +
        'unopened.',
    ],
  },
  NO_PROXY: {
    schema: noProxy.optional(),
    form: 'Hosts separated by commas or spaces',
    default: null,
    example: 'localhost,127.0.0.1,.internal.example.com',
    readBy: EVERY_PROGRAM,
    what: 'Provider hosts that are asked without HTTPS_PROXY. The lower-case spelling takes precedence.',
    change: 'Set it where some of the hosts are reached directly.',
    details: [
      'example.com and .example.com: the host and all below it. *.example.com: all below it. 10.0.0.7, ::1, 10.0.0.0/8, fd00::/8: an ' +
        'address in the URL itself; no name is resolved for it. example.com:8443, [::1]:443: this port only. *: all hosts. Each process ' +
        'warns at its start of an entry of another form, which exempts nothing.',
    ],
  },
  QRCAST_CALLBACK_PROXY: {
    schema: httpProxy.optional(),
    form: 'As HTTPS_PROXY',
    default: null,
    example: 'http://proxy.example.com:3128',
    readBy: WORKERS,
    isSecret: true,
    what:
      'The proxy for all callbacks and relayed notifications, also to hosts that QRCAST_CALLBACK_HOSTS names; NO_PROXY does not apply. ' +
      'The worker still resolves the name and judges the address, and names only the address to the proxy. So it needs a name server that ' +
      'knows public names. The proxy itself may have a private address. Without it callbacks go directly.',
    change: 'Set it where workers reach the internet only through a proxy.',
  },
} as const satisfies Record<string, Setting>;
