import { describe, expect, it } from 'vitest';
import { createReleasers } from './releasers.ts';

describe('releasers', () => {
  it('release last first, one after another', async () => {
    const order: string[] = [];
    const releasers = createReleasers();
    releasers.push('first', () => void order.push('first'));
    releasers.push('second', async () => {
      await Promise.resolve();
      order.push('second');
    });
    await releasers.release();
    expect(order).toEqual(['second', 'first']);
  });

  it('release everything even if some releases fail, and report all failures', async () => {
    const order: string[] = [];
    const releasers = createReleasers();
    releasers.push('kept', () => void order.push('kept'));
    releasers.push('broken', () => {
      throw new Error('one');
    });
    releasers.push('late', () => Promise.reject(new Error('two')));
    const failure = await releasers.release().catch((error: unknown) => error);
    expect(order).toEqual(['kept']);
    expect(failure).toBeInstanceOf(AggregateError);
    expect((failure as AggregateError).errors.map(({ cause }: Error) => (cause as Error).message)).toEqual(['two', 'one']);
  });

  it('release once, and then refuse new releases', async () => {
    let count = 0;
    const releasers = createReleasers();
    releasers.push('only', () => void count++);
    await Promise.all([releasers.release(), releasers.release()]);
    await releasers.release();
    expect(count).toBe(1);
    expect(() => releasers.push('late', () => undefined)).toThrow('late was acquired while stopping');
  });
});
