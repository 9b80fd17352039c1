import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { describeSessions } from '../../test/sessions-contract.ts';
import { createMemoryStore, openMemorySessions } from './sessions-memory.ts';

describeSessions('in memory', async () => {
  const store = createMemoryStore();
  const here = openMemorySessions(store, DEFAULT_POLICY);
  const there = openMemorySessions(store, DEFAULT_POLICY);
  return {
    here,
    there,
    async close() {
      await here.close();
      await there.close();
    },
  };
});
