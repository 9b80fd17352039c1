/**
 * Chooses which member to evict when a pool is full: the oldest member of the largest group. So a
 * group that grows evicts its own members, and costs other groups members only until all groups are
 * equally large. No call goes through all groups or all members, because under a flood each arrival
 * evicts somebody.
 */

export interface EvictionPool<T> {
  /** Members of all groups. */
  size(): number;
  /** Oldest first. Members may be deleted while this is read. */
  members(): Iterable<T>;
  /** Does nothing if the member is in a group already. */
  add(member: T, group: string): void;
  /** Does nothing if it is not a member. */
  delete(member: T): void;
  /**
   * The oldest member of the largest group; null if there are no members. Among equally large
   * groups it is the one that has had its size for longest; if each has a single member, that is
   * the oldest member of all. The member stays until it is deleted.
   */
  nextToEvict(): T | null;
}

interface Group<T> {
  readonly name: string;
  readonly members: Set<T>;
}

export function createEvictionPool<T>(): EvictionPool<T> {
  const groupOf = new Map<T, Group<T>>();
  const groups = new Map<string, Group<T>>();
  const ranking = createRanking<Group<T>>();

  return {
    size: () => groupOf.size,
    members: () => groupOf.keys(),

    add(member, name) {
      if (groupOf.has(member)) return;
      const group = groups.get(name) ?? { name, members: new Set() };
      groups.set(name, group);
      groupOf.set(member, group);
      group.members.add(member);
      ranking.move(group, group.members.size - 1, group.members.size);
    },

    delete(member) {
      const group = groupOf.get(member);
      if (group === undefined) return;
      groupOf.delete(member);
      group.members.delete(member);
      if (group.members.size === 0) groups.delete(group.name);
      ranking.move(group, group.members.size + 1, group.members.size);
    },

    nextToEvict() {
      const [member = null] = ranking.first()?.members ?? [];
      return member;
    },
  };
}

interface Ranking<T> {
  /** Sizes may differ by one only, because the largest size is followed step by step. */
  move(item: T, from: number, to: number): void;
  /** Of the largest items, the one that has had its size for longest. */
  first(): T | undefined;
}

function createRanking<T>(): Ranking<T> {
  /** None of the sets is empty. Items of size 0 are left out. */
  const bySize = new Map<number, Set<T>>();
  let largest = 0;
  return {
    move(item, from, to) {
      const left = bySize.get(from);
      left?.delete(item);
      if (left?.size === 0) bySize.delete(from);
      if (to > 0) bySize.set(to, (bySize.get(to) ?? new Set()).add(item));
      // If the last of the largest has moved, it has moved to the size below.
      if (to > largest || !bySize.has(largest)) largest = to;
    },
    first() {
      const [item] = bySize.get(largest) ?? [];
      return item;
    },
  };
}
