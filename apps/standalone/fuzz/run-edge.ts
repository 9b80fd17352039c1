/**
 * Tries one edge with batches of generated inputs, and checks after each batch whether all is well.
 * fast-check generates the inputs and shrinks a failure. Its error holds the seed, the path and the
 * smallest failing batch.
 *
 * QRCAST_FUZZ_SEED   the seed of all edges; random if unset
 * QRCAST_FUZZ_RUNS   batches per round and edge; each test has its own number if unset
 * QRCAST_FUZZ_PATH   the path of a failure: runs that one case alone
 */

import fc from 'fast-check';

/** The result of one input. */
export interface Seen {
  /** HTTP statuses, in order. Other protocols have none. */
  readonly statuses: readonly number[];
  /** The whole answer. */
  readonly text: string;
  /** False if neither an answer nor a close came within `ANSWER_LIMIT_MS`. */
  readonly isSettled: boolean;
}

export interface Edge<Input> {
  readonly name: string;
  readonly input: fc.Arbitrary<Input>;
  /**
   * Sends one input. Resolves once it is answered, its connection is closed, or the harness gives
   * up.
   */
  readonly send: (input: Input) => Promise<Seen>;
  readonly batchSize?: number;
  /**
   * True if it tries no role of the stage, so that it can run beside edges that watch the roles.
   */
  readonly isBeside?: true;
  /**
   * Statuses from 500 on that this edge may answer with, by default none: a 5xx for a bad input is
   * a fault.
   */
  readonly mayAnswer?: readonly number[];
}

/** The programs behind the edge. */
export interface Subject {
  /** Called before a batch. Starts programs again that an earlier batch has ended. */
  ready(): Promise<void>;
  /**
   * Called after a batch. Resolves to new faults: forbidden output, an ended program, or a wrong
   * answer.
   */
  faults(answers: string): Promise<readonly string[]>;
}

/**
 * After this time the harness gives up on an input, and reports a hang. It measures nothing: it is
 * far above every limit of the product that an input can reach.
 */
export const ANSWER_LIMIT_MS = 60_000;

export interface RunOptions<Input = unknown> {
  readonly seed: number;
  readonly runs: number;
  /** Tried before the generated ones, in batches. */
  readonly examples?: readonly Input[] | undefined;
}

/** The seed of this process. It is printed, so that any failure can be repeated. */
export function fuzzOptions(defaultRuns: number): RunOptions {
  const seed = Number(process.env['QRCAST_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const runs = Number(process.env['QRCAST_FUZZ_RUNS'] ?? defaultRuns);
  process.stdout.write(`fuzz: QRCAST_FUZZ_SEED=${seed} QRCAST_FUZZ_RUNS=${runs}\n`);
  return { seed, runs };
}

/** @throws {Error} of fast-check, with the seed, the path and the smallest failing batch */
export async function runEdge<Input>(edge: Edge<Input>, subject: Subject, { seed, runs, examples = [] }: RunOptions<Input>): Promise<void> {
  const path = process.env['QRCAST_FUZZ_PATH'];
  const batchSize = edge.batchSize ?? 16;
  const batches = fc.array(edge.input, { minLength: 1, maxLength: batchSize, size: 'max' });
  const given: [Input[]][] = [];
  for (let i = 0; i < examples.length; i += batchSize) given.push([examples.slice(i, i + batchSize)]);
  const property = fc.asyncProperty(batches, async (batch) => {
    await subject.ready();
    const seen = await Promise.all(batch.map(edge.send));
    const faults = [...faultsIn(seen, edge.mayAnswer ?? []), ...(await subject.faults(seen.map(({ text }) => text).join('\n')))];
    if (faults.length > 0) throw new Error(`${edge.name}: ${faults.join('\n')}`);
  });
  await fc.assert(property, { seed, numRuns: runs + given.length, examples: given, ...(path === undefined ? {} : { path }) });
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

/** Joins edges: a batch has inputs of all of them. */
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
  return mixture as Edge<unknown>; // each edge generates its own inputs
}

/**
 * Ignores the faults that this edge causes by design.
 *
 * @param settle waits after a batch until its effects can be checked
 */
export const tolerating = (subject: Subject, expected: RegExp, settle: () => Promise<void>): Subject => ({
  ready: () => subject.ready(),
  async faults(answers) {
    await settle();
    return (await subject.faults(answers)).filter((fault) => !expected.test(fault));
  },
});
