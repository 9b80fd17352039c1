/** Finds nginx with nchan, its module for pub/sub, and configures it as a gateway over Redis. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { canReadUsage } from './process-usage.ts';

/** Plain JSON, because it is sent to the processes of the roles. */
export interface NchanProgram {
  readonly nginx: string;
  /** The file of the module. */
  readonly module: string;
  readonly version: string;
}

export const NCHAN_SUBSCRIBE_PATH = '/sub/';
export const NCHAN_PUBLISH_PATH = '/pub/';
export const NCHAN_MISSING =
  'nchan is left out: it needs Linux, and nginx with its module nchan. On Debian: apt-get install nginx libnginx-mod-nchan';

/** Debian's PATH of users lacks it. */
const SYSTEM_FOLDER = '/usr/sbin';
const MODULE = 'ngx_nchan_module.so';
/** More than any benchmark has viewers. */
const MOST_CONNECTIONS = 12_000;
/** As those of the gateways. */
const PING_SECONDS = 25;
/** Larger than a message, so that none is written to a file. */
const BODY_BYTES = 65_536;
const TEMP_FOLDERS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** @returns null if there is none that can be measured */
export function findNchan(path: string): NchanProgram | null {
  if (!canReadUsage()) return null;
  for (const folder of [...path.split(delimiter), SYSTEM_FOLDER]) {
    const nginx = join(folder, 'nginx');
    if (!existsSync(nginx)) continue;
    const found = builtIn(spawnSync(nginx, ['-V'], { encoding: 'utf8' }).stderr);
    const module = join(found.modulesFolder, MODULE);
    return existsSync(module) ? { nginx, module, version: found.version } : null;
  }
  return null;
}

/** @param text what `nginx -V` says */
export function builtIn(text: string): { readonly modulesFolder: string; readonly version: string } {
  const modulesFolder = /--modules-path=(\S+)/.exec(text)?.[1] ?? join(/--prefix=(\S+)/.exec(text)?.[1] ?? '/', 'modules');
  return { modulesFolder, version: /nginx\/(\S+)/.exec(text)?.[1] ?? 'unknown' };
}

export interface NchanOptions {
  readonly port: number;
  readonly redisUrl: string;
  /** Of its own files. */
  readonly folder: string;
}

/**
 * One worker, as the others have one process. Redis stores the newest message of a channel, and a new
 * viewer gets it first. That may be a `fresh`, where qrcast sends a whole state.
 */
export function nchanConfig({ module }: NchanProgram, { port, redisUrl, folder }: NchanOptions): string {
  return `daemon off;
load_module "${module}";
worker_processes 1;
worker_rlimit_nofile ${MOST_CONNECTIONS + 1_000};
pid "${folder}/nginx.pid";
error_log /dev/null emerg;
events { worker_connections ${MOST_CONNECTIONS}; }
http {
  access_log off;
  ${TEMP_FOLDERS.map((name) => `${name}_temp_path "${folder}/${name}";`).join('\n  ')}
  keepalive_timeout 1h;
  keepalive_requests 100000000;
  client_body_buffer_size ${BODY_BYTES};
  upstream redis { nchan_redis_server ${redisUrl}; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location ~ ^${NCHAN_SUBSCRIBE_PATH}(.+)$ {
      nchan_subscriber websocket;
      nchan_channel_id $1;
      nchan_redis_pass redis;
      nchan_websocket_ping_interval ${PING_SECONDS};
    }
    location ~ ^${NCHAN_PUBLISH_PATH}(.+)$ {
      nchan_publisher http;
      nchan_channel_id $1;
      nchan_redis_pass redis;
      nchan_message_buffer_length 1;
    }
  }
}
`;
}
