/**
 * NO_PROXY: the hosts that are asked without the proxy. Programs read it in different ways. These
 * are the forms that the common ones agree on, and ranges.
 *
 *   *                                    every host
 *   example.com, .example.com            the host and all below it (a dot at the end is ignored)
 *   *.example.com                        all below it
 *   10.0.0.7, ::1, [::1]                 an address in the URL itself; no name is resolved for it
 *   10.0.0.0/8, fd00::/8                 such an address within a range
 *   example.com:8443, [::1]:443, *:8443  any of these but a range: only this port
 *
 * Commas or spaces separate the entries. An entry of another form exempts nothing.
 */

import { isIP } from 'node:net';
import { bareHost, portOf } from '@qrcast/core/authority';
import { createAddressSet, parseAddressRange } from './address-range.ts';

export interface NoProxy {
  /** True if the origin (`https://host:port`) is asked without the proxy. */
  isDirect(origin: string): boolean;
  /** Positions of the entries that are not understood, counted from 1. */
  readonly unknown: readonly number[];
}

interface Target {
  /** In lower case, without brackets, and without a dot at the end. */
  readonly host: string;
  readonly port: string;
}

type Rule = (target: Target) => boolean;

/** Host and port. Text with more than one colon and no brackets is an IPv6 address. */
const WITH_PORT = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/;
const NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

export function parseNoProxy(text: string): NoProxy {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '');
  const rules = entries.map(parseEntry);
  return {
    isDirect(origin) {
      const target = targetOf(origin);
      return rules.some((rule) => rule?.(target) === true);
    },
    unknown: rules.flatMap((rule, i) => (rule === null ? [i + 1] : [])),
  };
}

function targetOf(origin: string): Target {
  const url = new URL(origin);
  return { host: bareHost(url.hostname).replace(/\.$/, ''), port: portOf(url) };
}

function parseEntry(entry: string): Rule | null {
  const [, host = entry, port] = WITH_PORT.exec(entry) ?? [];
  const isHost = host === '*' ? () => true : (parseAddress(host, port !== undefined) ?? parseName(host));
  if (isHost === null || port === undefined) return isHost;
  return (target) => target.port === String(Number(port)) && isHost(target);
}

function parseAddress(host: string, hasPort: boolean): Rule | null {
  const bare = host.replace(/^\[(.+)\]$/, '$1');
  if (parseAddressRange(bare) === null || (hasPort && bare.includes('/'))) return null;
  const includes = createAddressSet([bare]);
  return (target) => includes(target.host);
}

function parseName(host: string): Rule | null {
  const [, prefix, written = ''] = /^(\*?\.)?(.*?)\.?$/.exec(host) ?? [];
  // The URL parser gives a name the form that origins have. It would also turn `192.168`, which is
  // meant as a range, into an address.
  const name = URL.parse(`http://${written}`)?.hostname ?? '';
  if (!NAME.test(name) || isIP(name) !== 0 || /[/:@?#\\%*[\]]/.test(written)) return null;
  const below = `.${name}`;
  return (target) => target.host.endsWith(below) || (prefix !== '*.' && target.host === name);
}
