/**
 * Connects ioredis to the master that the Sentinels name at each connect. It takes the place of the
 * connector of ioredis 6.0, which
 *
 *   - ends for ever if it is told to reconnect while it asks, as its `failoverDetector` does
 *   - reports unreachable Sentinels each time that it has gone through its list
 *   - believes the first Sentinel that answers, also one that was cut off
 *
 * Here a failed question is a failed connect: ioredis tries again as it does without Sentinel.
 */

import { createConnection, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type Redis, type RedisOptions } from 'ioredis';
import { askForMaster, type Master } from './sentinel-ask.ts';
import type { SentinelAddress } from './sentinel-url.ts';

const masters = new WeakMap<object, Master>();

/** The master that the connection was made to. Undefined before that. */
export const masterOfConnection = ({ stream }: Pick<Redis, 'stream'>): Master | undefined => masters.get(stream ?? {});

/** @param files certificates for TLS, to Redis and to the Sentinels */
export function sentinelConnector(address: SentinelAddress, files: RedisOptions['tls']): NonNullable<RedisOptions['Connector']> {
  // ioredis takes a class that extends its own.
  return class SentinelConnector extends AbstractConnector {
    #asking = new AbortController();

    constructor(options: unknown) {
      super((options as RedisOptions).disconnectTimeout ?? 0);
    }

    override async connect(): Promise<Socket> {
      this.connecting = true;
      this.#asking = new AbortController();
      try {
        const master = await askForMaster(address, { tls: files, signal: this.#asking.signal });
        if (!this.connecting) return this.#failed(new Error('disconnected while the Sentinels were asked'));
        const { host, port } = master;
        this.stream = address.tls ? connectTls({ host, port, ...files }) : createConnection({ host, port });
        masters.set(this.stream, master);
        this.stream.once('error', (error) => {
          this.firstError = error;
        });
        return this.stream;
      } catch (error) {
        return this.#failed(error as Error);
      }
    }

    /** With a rejection ioredis would never connect again; with a closed connection it does. */
    #failed(error: Error): Socket {
      this.firstError = error;
      this.stream = new Socket().destroy();
      return this.stream;
    }

    /** A replica that Sentinel has not promoted yet, or one that was demoted, is no master. */
    override check({ role }: { role?: string }): boolean {
      return role !== 'slave';
    }

    override disconnect(): void {
      this.#asking.abort();
      super.disconnect();
    }
  };
}
