/**
 * Tells many viewers of one change. A turn of the event loop serves `AT_ONCE` of them, so nobody else
 * waits for longer than that takes. A newer change that comes meanwhile is told from there on, and
 * to those before in another round: nobody is starved by changes that come faster than a round.
 */

/** About 5 ms. */
export const AT_ONCE = 256;

const NOBODY: ReadonlySet<never> = new Set();

/**
 * Returns the function that tells all members a value: at once, or in the next turns. A member that
 * leaves is left out. One that joins meanwhile may be told. `onEnd` is called when all were told, or
 * a newer value takes the rest over.
 * @param tell must not throw, because others come after it
 */
export function createFanOut<Member, Value>(
  members: ReadonlySet<Member>,
  tell: (member: Member, value: Value) => void,
): (value: Value, onEnd?: () => void) => void {
  let newest: Value | undefined;
  /** Of the newest value. */
  let end: (() => void) | undefined;
  /** Of the round under way. A member that joins comes last in it. */
  let round: SetIterator<Member> = NOBODY.values();
  let isUnderWay = false;
  /** A newer value came in the middle of the round, so those before have to hear it in another. */
  let isAgain = false;

  function run(): void {
    for (let told = 0; told < AT_ONCE; ) {
      const { done, value } = round.next();
      if (done !== true) {
        told++;
        tell(value, newest as Value); // set while a round is under way
      } else if (isAgain) {
        isAgain = false;
        round = members.values();
      } else {
        isUnderWay = false;
        // The next change may be long in coming. A state has pictures, and an iterator keeps members that have left.
        newest = undefined;
        round = NOBODY.values();
        end?.();
        end = undefined;
        return;
      }
    }
    setImmediate(run);
  }

  return (value, onEnd) => {
    end?.();
    end = onEnd;
    newest = value;
    isAgain = isUnderWay;
    if (isUnderWay) return;
    isUnderWay = true;
    round = members.values();
    run();
  };
}
