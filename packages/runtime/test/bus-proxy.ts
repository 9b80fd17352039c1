/**
 * For tests: a TCP proxy before the cluster bus of a node, that loses what chosen nodes send. Each
 * node opens a connection of its own to each other one, and each packet names its sender.
 */

import { connect, createServer, type Socket } from 'node:net';

export interface BusProxy {
  /** For `cluster-announce-bus-port`. */
  readonly port: number;
  /**
   * Loses all that goes over the connections of these senders, in both directions. As in a split
   * network, nobody is told.
   */
  cutOff(isLost: (senderId: string) => boolean): void;
  /** Ends that. The connections are made anew. */
  rejoin(): void;
  close(): Promise<void>;
}

/** Where the sender's id is in the header of a packet. See `clusterMsg` in Redis's cluster.h. */
const SENDER = { from: 40, to: 80 } as const;

interface Link {
  /** Something of it was lost, so it has to end. */
  isTorn(): boolean;
  destroy(): void;
}

/** Passes on what does not get lost. */
function openLink(near: Socket, far: Socket, isLost: (senderId: string) => boolean): Link {
  let header = Buffer.alloc(0);
  let isTorn = false;
  const destroy = (): void => {
    near.destroy();
    far.destroy();
  };
  const pass = (packet: Buffer, to: Socket): void => {
    if (isLost(header.toString('latin1', SENDER.from, SENDER.to))) isTorn = true;
    else to.write(packet);
  };
  near.on('data', (packet: Buffer) => {
    if (header.length >= SENDER.to) return pass(packet, far);
    header = Buffer.concat([header, packet]);
    if (header.length >= SENDER.to) pass(header, far); // all that came so far
  });
  far.on('data', (packet: Buffer) => pass(packet, near));
  for (const socket of [near, far]) socket.on('error', () => undefined).on('close', destroy);
  return { isTorn: () => isTorn, destroy };
}

export async function openBusProxy(busPort: number): Promise<BusProxy> {
  const links = new Set<Link>();
  let isLost: (senderId: string) => boolean = () => false;
  const server = createServer((near) => {
    const link = openLink(near, connect(busPort, '127.0.0.1'), (senderId) => isLost(senderId));
    links.add(link);
    near.on('close', () => links.delete(link));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return {
    port: address.port,
    cutOff(isOfLost) {
      isLost = isOfLost;
    },
    rejoin() {
      isLost = () => false;
      for (const link of links) if (link.isTorn()) link.destroy();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const link of links) link.destroy();
      await closed;
    },
  };
}
