/**
 * Tells many viewers of one change. A turn of the event loop serves `AT_ONCE` of them, so nobody else
 * waits for longer than that takes. A newer change that comes meanwhile is told from there on, and
 * to those before in another round: nobody is starved by changes that come faster than a round.
 */

/** About 5 ms. */
export const AT_ONCE = 256;

/**
 * Returns the function that tells all members a value: at once, or in the next turns. A member that
 * leaves is left out. One that joins meanwhile may be told.
 */
export function createFanOut<Member, Value>(
  members: ReadonlySet<Member>,
  tell: (member: Member, value: Value) => void,
): (value: Value) => void {
  let newest: Value;
  /** Of the round under way. A member that joins comes last in it. */
  let round = members.values();
  let isUnderWay = false;
  /** A newer value came in the middle of the round, so those before have to hear it in another. */
  let isAgain = false;

  function run(): void {
    for (let told = 0; told < AT_ONCE; ) {
      const { done, value } = round.next();
      if (done !== true) {
        told++;
        tell(value, newest);
      } else if (isAgain) {
        isAgain = false;
        round = members.values();
      } else {
        isUnderWay = false;
        return;
      }
    }
    setImmediate(run);
  }

  return (value) => {
    newest = value;
    isAgain = isUnderWay;
    if (isUnderWay) return;
    isUnderWay = true;
    round = members.values();
    try {
      run();
    } catch (error) {
      isUnderWay = false; // a fault of one member must not silence all for ever
      throw error;
    }
  };
}
