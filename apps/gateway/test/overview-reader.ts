/** For tests: reads a stream of the overview as the console does, and checks each event by the contract. */

import type { CloseReason } from '@qrcast/core/close-codes';
import { type Overview, type OverviewSession, overviewSchema } from '@qrcast/core/overview';

export interface OverviewReader {
  readonly status: number;
  /** All that was sent. */
  text(): string;
  readonly events: readonly Overview[];
  /** The sessions that a reader would show now, by id. */
  readonly shown: ReadonlyMap<string, OverviewSession>;
  /** The reason of the end, once the stream has ended. */
  readonly ended: Promise<CloseReason | undefined>;
  leave(): void;
}

export async function openOverviewReader(url: string, secret: string, path = '/v1/overview'): Promise<OverviewReader> {
  const gone = new AbortController();
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${secret}` }, signal: gone.signal });
  const events: Overview[] = [];
  const shown = new Map<string, OverviewSession>();
  let text = '';
  let closing: CloseReason | undefined;

  function take(block: string): void {
    const [, name, data = ''] = /^event: (\w+)\n(?:retry: \d+\n)?data: (.*)$/.exec(block) ?? [];
    if (name === 'closing') closing = JSON.parse(data).code;
    if (name !== 'sessions') return;
    const news = overviewSchema.strict().parse(JSON.parse(data));
    events.push(news);
    if (news.isFirst) shown.clear();
    for (const session of news.sessions) shown.set(session.id, session);
    for (const id of news.gone) shown.delete(id);
  }

  async function read(): Promise<CloseReason | undefined> {
    let unread = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      const blocks = (unread + part).split('\n\n');
      unread = blocks.pop() ?? '';
      for (const block of blocks) take(block);
    }
    return closing;
  }

  const ended = read();
  ended.catch(() => undefined); // the test has left
  return { status: response.status, text: () => text, events, shown, ended, leave: () => gone.abort() };
}
