/** For tests: a stock WebSocket on `/v1/ws` that keeps all that it was sent. */

import type { ServerFrame } from '@qrcast/core/stream-messages';
import { WebSocket } from 'ws';
import { createRecorder, createUntil, type Told } from './recorder.ts';
import { streamContract } from './stream-contract.ts';

export type Answer = Extract<ServerFrame, { type: 'ok' | 'error' | 'pong' }>;

export interface TestSocket extends Told {
  readonly raw: WebSocket;
  readonly opened: Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The answers in the order in which they came. */
  readonly answers: readonly Answer[];
  send(frame: object): void;
  /** Sends the frame with a `ref` of its own; resolves to the answer with that `ref`. */
  call(frame: object): Promise<Answer>;
  untilAnswers(count: number): Promise<readonly Answer[]>;
}

export interface SocketOptions {
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export function openSocket(url: string, { protocols = ['qrcast.v1'], headers = {} }: SocketOptions = {}): TestSocket {
  const raw = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, [...protocols], { headers });
  const told = createRecorder();
  const answers: Answer[] = [];
  const { until, look } = createUntil();
  let calls = 0;

  raw.on('message', (data) => {
    const frame = JSON.parse(String(data)) as ServerFrame; // checked next
    streamContract.told('websocket', frame.type, frame);
    if (frame.type === 'session') told.add('session', frame.session);
    else if (frame.type === 'fresh' || frame.type === 'draining') told.add(frame.type, frame);
    else answers.push(frame);
    look();
  });
  raw.on('error', () => undefined); // its close follows
  const opened = new Promise<void>((resolve) => raw.once('open', resolve));

  const send = (frame: object): void => void opened.then(() => raw.send(JSON.stringify(frame)));
  return {
    raw,
    opened,
    closed: new Promise((resolve) =>
      raw.once('close', (code, reason) => {
        streamContract.closed(code, String(reason));
        resolve({ code, reason: String(reason) });
      }),
    ),
    answers,
    get order() {
      return told.order;
    },
    all: told.all,
    until: told.until,
    send,
    async call(frame) {
      const marked = { ...frame, ref: `call-${++calls}` };
      send(marked);
      const answer = await until(() => answers.find(({ ref }) => ref === marked.ref));
      if (answer.type !== 'error' && 'type' in frame) {
        streamContract.answered('websocket', String(frame.type), answer);
        streamContract.taken('websocket', String(frame.type), marked);
      }
      return answer;
    },
    untilAnswers: (count) => until(() => (answers.length >= count ? answers : undefined)),
  };
}
