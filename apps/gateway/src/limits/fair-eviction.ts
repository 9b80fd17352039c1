/**
 * Who has to go where there are too many: one of the group that has most. So a group that grows takes room from itself, and from others no
 * more than to be as large as they are. No call goes through all groups or all members: under a flood somebody goes with each who comes.
 */

export interface EvictionPool<T> {
  /** Members of all groups. */
  size(): number;
  /** Longest there first; may be deleted from meanwhile. */
  members(): Iterable<T>;
  /** A member is in one group; if it is in one already nothing changes. */
  add(member: T, group: string): void;
  /** Nothing changes if it is not there. */
  delete(member: T): void;
  /**
   * Of the largest group the member that has been there for longest; null if there is nobody. Among groups as large as that it is the one
   * that has had its size for longest: where each has a single member, the oldest of all. It stays until it is deleted.
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
  /** None of them empty. */
  const bySize = new Map<number, Set<Group<T>>>();
  let largest = 0;

  /** After each single change of its members: `largest` can only be followed step by step. */
  function resize(group: Group<T>, sizeBefore: number): void {
    const { size } = group.members;
    const left = bySize.get(sizeBefore);
    left?.delete(group);
    if (left?.size === 0) bySize.delete(sizeBefore);
    if (size > 0) {
      const joined = bySize.get(size);
      if (joined === undefined) bySize.set(size, new Set([group]));
      else joined.add(group);
    }
    if (size > largest || !bySize.has(largest)) largest = size; // the last of the largest is so one below, too
  }

  return {
    size: () => groupOf.size,
    members: () => groupOf.keys(),

    add(member, name) {
      if (groupOf.has(member)) return;
      const group = groups.get(name) ?? { name, members: new Set() };
      groups.set(name, group);
      groupOf.set(member, group);
      group.members.add(member);
      resize(group, group.members.size - 1);
    },

    delete(member) {
      const group = groupOf.get(member);
      if (group === undefined) return;
      groupOf.delete(member);
      group.members.delete(member);
      if (group.members.size === 0) groups.delete(group.name);
      resize(group, group.members.size + 1);
    },

    nextToEvict() {
      const [group] = bySize.get(largest) ?? [];
      const [member = null] = group?.members ?? [];
      return member;
    },
  };
}
