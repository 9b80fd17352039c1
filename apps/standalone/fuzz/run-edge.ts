/**
 * Tries one edge with generated inputs, a batch at a time, and asks after each batch whether all is well. fast-check makes the inputs and
 * shrinks what fails; its error holds the seed, the path and the smallest batch.
 *
 * QRCAST_FUZZ_SEED   the seed of all edges; random if unset
 * QRCAST_FUZZ_RUNS   batches per round and edge; each test has its own number if unset
 * QRCAST_FUZZ_PATH   the path of a failure: runs that one case alone
 */

import fc from 'fast-check';

/** What came of one input. */
export interface Seen {
  /** HTTP statuses, in order; none for other protocols. */
  readonly statuses: readonly number[];
  /** All that was answered. */
  readonly text: string;
  /** False: neither an answer nor a close came within `ANSWER_LIMIT_MS`. */
  readonly isSettled: boolean;
}

export interface Edge<Input> {
  readonly name: string;
  readonly input: fc.Arbitrary<Input>;
  /** Sends one input, and resolves when it is answered, its connection is closed, or the harness gave up. */
  readonly send: (input: Input) => Promise<Seen>;
  readonly batchSize?: number;
  /** No role of the stage is tried, so that it can run beside the edges that look at them. */
  readonly isBeside?: true;
  /** Statuses from 500 on that this edge may answer with. None if left out: a 5xx for a bad input is a fault. */
  readonly mayAnswer?: readonly number[];
}

/** Whoever stands behind the edge. */
export interface Subject {
  /** Before a batch: brings up again what a batch before has brought down. */
  ready(): Promise<void>;
  /** After a batch: what was written, ended or told that should not have been. Each fault is told once. */
  faults(answers: string): Promise<readonly string[]>;
}

/**
 * The harness gives up on an input after this long, and calls it a hang. Nothing is measured by it: it is far above every limit of the
 * product that an input can run into.
 */
export const ANSWER_LIMIT_MS = 60_000;

export interface RunOptions {
  readonly seed: number;
  readonly runs: number;
}

/** Of this process. Printed, so that any failure can be repeated. */
export function fuzzOptions(defaultRuns: number): RunOptions {
  const seed = Number(process.env['QRCAST_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const runs = Number(process.env['QRCAST_FUZZ_RUNS'] ?? defaultRuns);
  process.stdout.write(`fuzz: QRCAST_FUZZ_SEED=${seed} QRCAST_FUZZ_RUNS=${runs}\n`);
  return { seed, runs };
}

/** @throws {Error} of fast-check, with the seed, the path and the smallest batch that fails. */
export async function runEdge<Input>(edge: Edge<Input>, subject: Subject, { seed, runs }: RunOptions): Promise<void> {
  const path = process.env['QRCAST_FUZZ_PATH'];
  const batches = fc.array(edge.input, { minLength: 1, maxLength: edge.batchSize ?? 16, size: 'max' });
  const property = fc.asyncProperty(batches, async (batch) => {
    await subject.ready();
    const seen = await Promise.all(batch.map(edge.send));
    const faults = [...faultsIn(seen, edge.mayAnswer ?? []), ...(await subject.faults(seen.map(({ text }) => text).join('\n')))];
    if (faults.length > 0) throw new Error(`${edge.name}: ${faults.join('\n')}`);
  });
  await fc.assert(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });
}

function faultsIn(seen: readonly Seen[], mayAnswer: readonly number[]): string[] {
  return seen.flatMap(({ statuses, text, isSettled }) => {
    const bad = statuses.filter((status) => status >= 500 && !mayAnswer.includes(status));
    return [
      ...(isSettled ? [] : ['an input was neither answered nor its connection closed']),
      ...bad.map((status) => `a bad input was answered ${status}: ${text.slice(0, 600)}`),
    ];
  });
}

/** Inputs of all these edges in one batch. */
export function mixed(name: string, edges: readonly Edge<unknown>[]): Edge<unknown> {
  const inputs = edges.map(({ input }, nth) => input.map((one) => ({ nth, one })));
  const mixture: Edge<{ nth: number; one: unknown }> = {
    name,
    input: fc.oneof(...inputs),
    send({ nth, one }) {
      const edge = edges[nth];
      if (edge === undefined) throw new Error('the input was made of other edges');
      return edge.send(one);
    },
  };
  return mixture as Edge<unknown>; // it makes its own inputs
}

/** Without the faults that this edge brings about by design. `settle`: what has to happen after a batch before one looks. */
export const tolerating = (subject: Subject, expected: RegExp, settle: () => Promise<void>): Subject => ({
  ready: () => subject.ready(),
  async faults(answers) {
    await settle();
    return (await subject.faults(answers)).filter((fault) => !expected.test(fault));
  },
});
