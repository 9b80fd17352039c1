import type { Session } from '@qrcast/core/session';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleSession } from '../../test/runtime.ts';
import type { PublishedChange, WatchedState } from './published-state.ts';
import { createSnapshotFilter, type SnapshotFilter } from './snapshot-filter.ts';

const first = sampleSession();
const LINES = Buffer.from('{}\n{}');
const state = (version: number, stamp = `stamp ${version}`): PublishedChange => ({
  session: { ...first, version, stamp },
  lines: LINES,
  image: null,
});
const showing = (version: number, digest: string, image: string | null): PublishedChange => {
  const code: Session['state'] = { kind: 'showing', notice: null, code: { digest, text: null, issuedAt: 1, staleAt: 2 } };
  return { session: { ...first, version, state: code }, lines: LINES, image };
};

const deliver = vi.fn<(state: WatchedState) => void>();
const reread = vi.fn();
const onOlder = vi.fn();
let filter: SnapshotFilter;
beforeEach(() => {
  vi.clearAllMocks();
  filter = createSnapshotFilter({ deliver, reread, onOlder });
});
const versions = (): number[] => deliver.mock.calls.map(([{ session }]) => session.version);

it('a change that is not newer leaves the picture of the code as it is', () => {
  const seen: WatchedState[] = [];
  deliver.mockImplementation((state) => void seen.push(state));
  filter.offer(showing(2, 'b', 'B'));
  filter.offer(showing(1, 'a', 'A'));
  expect(seen.map(({ image }) => String(image))).toEqual(['B']);
});

describe('a record that was read', () => {
  it('is older than what had passed before the read: Redis has lost that', () => {
    filter.offer(state(5));
    filter.beginRead()(state(4));
    expect(onOlder).toHaveBeenCalledWith(5);
  });

  it('has another stamp than what had passed with its version: Redis has lost that', () => {
    filter.offer(state(5, 'one'));
    filter.beginRead()(state(5, 'other'));
    expect(onOlder).toHaveBeenCalledWith(5);
  });

  it('is older than what passed during the read: that is newer, and nothing is lost', () => {
    filter.offer(state(5));
    const taken = filter.beginRead();
    filter.offer(state(6));
    taken(state(5));
    expect([versions(), onOlder.mock.calls.length]).toEqual([[5, 6], 0]);
  });

  it('is older than what had passed before the read, although more passed during it', () => {
    filter.offer(state(5));
    const taken = filter.beginRead();
    filter.offer(state(6));
    taken(state(4));
    expect(onOlder).toHaveBeenCalledWith(5);
  });

  it('is not older if nothing had passed', () => {
    const taken = filter.beginRead();
    filter.offer(state(6));
    taken(state(2));
    expect([versions(), onOlder.mock.calls.length]).toEqual([[6], 0]);
  });

  it('of an older code does not take away the picture of the newer one', () => {
    const seen: string[] = [];
    deliver.mockImplementation(({ image }) => void seen.push(String(image)));
    filter.beginRead()(showing(1, 'a', 'A'));
    const taken = filter.beginRead();
    filter.offer(showing(2, 'b', 'B'));
    taken(showing(1, 'a', null));
    filter.offer(showing(3, 'b', null)); // the same code, confirmed
    expect(seen).toEqual(['A', 'B', 'B']);
    expect(reread).not.toHaveBeenCalled();
  });
});
