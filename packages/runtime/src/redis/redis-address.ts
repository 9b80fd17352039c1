/**
 * The address of Redis in one text: its URL, and as parameters of it the files that TLS needs. So
 * whatever opens a connection needs nothing else. It holds the password.
 */

import { readFileSync } from 'node:fs';
import type { RedisOptions } from 'ioredis';

export interface RedisFiles {
  /** Certificates of the only authorities that are trusted for Redis. Left out: those of Node. */
  readonly ca?: string | undefined;
  /** The certificate with which we identify ourselves, and its key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

const NAMES = ['ca', 'cert', 'key'] as const;
const parameterOf = (name: (typeof NAMES)[number]): string => `qrcast-${name}-file`;

/** @param files paths */
export function redisAddress(url: string, files: RedisFiles): string {
  const given = new URLSearchParams();
  for (const name of NAMES) if (files[name] !== undefined) given.set(parameterOf(name), files[name]);
  return given.size === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${given}`;
}

/** Reads the files that the address names. @throws if one cannot be read */
export function tlsOptions(address: string): Pick<RedisOptions, 'tls'> {
  const searchParams = new URLSearchParams(address.split('?', 2)[1]); // a URL of Sentinels is none to Node
  const contents = NAMES.flatMap((name) => {
    const path = searchParams.get(parameterOf(name));
    return path === null ? [] : [[name, readFileSync(path)] as const];
  });
  return contents.length === 0 ? {} : { tls: Object.fromEntries(contents) };
}
