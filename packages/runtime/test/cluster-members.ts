/** For tests: what a node of a Redis Cluster says of all nodes. */

export interface ClusterMember {
  readonly id: string;
  readonly port: number;
  /** No node doubts it. */
  readonly isUp: boolean;
  readonly isMaster: boolean;
  readonly masterId: string;
  readonly slots: readonly (readonly [first: number, last: number])[];
}

export const SLOTS = 16_384;

/** Parses the answer to CLUSTER NODES. */
export function membersIn(text: string): ClusterMember[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', address = '', flags = '', masterId = '', , , , , ...slots] = line.split(' ');
      return {
        id,
        port: Number(/:(\d+)@/.exec(address)?.[1]),
        isUp: !/fail|handshake|noaddr/.test(flags),
        isMaster: /\bmaster\b/.test(flags) && !/\bfail\b/.test(flags),
        masterId,
        slots: slots.filter((range) => !range.startsWith('[')).map((range) => rangeOf(range)),
      };
    });
}

function rangeOf(text: string): [number, number] {
  const [first = 0, last = first] = text.split('-').map(Number);
  return [first, last];
}

/** Has each master a replica, and slots? */
export const isPaired = (members: readonly ClusterMember[]): boolean =>
  members.filter(({ isMaster }) => isMaster).every(({ id, slots }) => slots.length > 0 && members.some(({ masterId }) => masterId === id));

export const ownersIn = (members: readonly ClusterMember[]): string[] =>
  members
    .filter(({ isMaster }) => isMaster)
    .map(({ id, slots }) => `${id} ${slots.join(' ')}`)
    .sort();

/** Has each slot a master? */
export const isComplete = (members: readonly ClusterMember[]): boolean =>
  members
    .filter(({ isMaster }) => isMaster)
    .flatMap(({ slots }) => slots.map(([first, last]) => last - first + 1))
    .reduce((sum, size) => sum + size, 0) === SLOTS;

/** Those that serve something. */
export const mastersAmong = (members: readonly ClusterMember[]): ClusterMember[] =>
  members.filter(({ isMaster, slots }) => isMaster && slots.length > 0);

export const hasSlot = ({ slots }: ClusterMember, slot: number): boolean => slots.some(([first, last]) => first <= slot && slot <= last);
