/** Answers of the provider that bring nothing, and none that may end a session by itself. */

import type { FailOptions } from '@qrcast/simulator/fault-script';
import type { FaultName } from '@qrcast/simulator/faults';
import type { Random } from './random.ts';
import type { Broken, Scene } from './scene.ts';

const TROUBLES: readonly [FaultName, ...FaultName[]] = [
  ...(['html502', 'html504', 'empty408', 'status429', 'status500', 'starting400', 'notAuthorized400', 'statusFalse200'] as const),
  ...(['hang', 'hang', 'hang', 'neverEnds', 'cut', 'cutMidBody', 'hugeBody', 'truncatedJson', 'notJson', 'redirect'] as const),
  ...(['gzip', 'deflate', 'brotli', 'twoCodings', 'unknownCoding', 'bomb', 'byteOrderMark'] as const),
  ...(['errorTimeout', 'errorNotReady', 'errorConnectionClosed', 'unknownType', 'emptyMessage', 'brokenBase64', 'notPng'] as const),
  ...(['unknownState', 'nullState'] as const),
];
/** The second in a row ends a session, so an instance gives one in its life. */
const REFUSALS: readonly [FaultName, ...FaultName[]] = ['html403', 'html404', 'empty401', 'code401in200', 'deleted400'];
const REFUSAL_SHARE = 0.1;
const HANG_MS = [500, 12_000] as const;
const RETRY_AFTER_S = [1, 10] as const;

/** Each of some instances gives one such answer next. */
export function answerBadly({ waiting, refused }: Scene, random: Random): Broken {
  const [first, ...rest] = waiting();
  if (first === undefined) return { what: 'nobody waits' };
  const chosen = new Set(Array.from({ length: 1 + Math.floor(rest.length / 4) }, () => random.pick([first, ...rest])));
  const names = new Map<FaultName, number>();
  for (const instance of chosen) {
    const isRefusal = random.isTrue(REFUSAL_SHARE) && !refused.has(instance);
    if (isRefusal) refused.add(instance);
    const fault = isRefusal ? random.pick(REFUSALS) : random.pick(TROUBLES);
    instance.fail('*', fault, settingsOf(fault, random));
    names.set(fault, (names.get(fault) ?? 0) + 1);
  }
  return { what: [...names].map(([name, count]) => `${count} ${name}`).join(', ') };
}

function settingsOf(fault: FaultName, random: Random): FailOptions {
  if (fault === 'status429') return { retryAfter: random.between(...RETRY_AFTER_S) };
  return fault === 'hang' ? { ms: random.between(...HANG_MS) } : {};
}
