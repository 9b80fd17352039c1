import { describe, expect, it } from 'vitest';
import { overviewSession } from '../../test/overview-session.ts';
import { afterMessage, NOTHING_YET, type OverviewMessage } from './overview.ts';

function message(fields: Partial<OverviewMessage>): OverviewMessage {
  return { at: 1_000, sessions: [], gone: [], isFirst: false, isCut: false, ...fields };
}

function idsAfter(...messages: readonly OverviewMessage[]): readonly string[] {
  return [...messages.reduce(afterMessage, NOTHING_YET).sessions.keys()];
}

describe('an overview', () => {
  it('is the first message and all changes after it', () => {
    const first = message({ isFirst: true, sessions: [overviewSession('ses_1'), overviewSession('ses_2'), overviewSession('ses_3')] });
    const change = message({ at: 3_000, sessions: [overviewSession('ses_1', { state: 'connected' })], gone: ['ses_2'] });
    const overview = [first, change].reduce(afterMessage, NOTHING_YET);
    expect([...overview.sessions.values()].map(({ id, state }) => [id, state])).toEqual([
      ['ses_1', 'connected'],
      ['ses_3', 'showing'],
    ]);
    expect(overview.at).toBe(3_000);
  });

  it('begins anew with each first message, which comes after a lost connection', () => {
    const before = message({ isFirst: true, isCut: true, sessions: [overviewSession('ses_1')] });
    const again = message({ isFirst: true, sessions: [overviewSession('ses_2')] });
    expect(idsAfter(before, again)).toEqual(['ses_2']);
    expect([before, again].reduce(afterMessage, NOTHING_YET).isCut).toBe(false);
  });
});
