import { expect, it } from 'vitest';
import { openRole } from './role.ts';
import type { ProviderMethods } from './roles/provider.ts';

it('calls a role in its own process, reports its failures, and ends it', async () => {
  const provider = await openRole<ProviderMethods>('provider');
  try {
    const { url } = await provider.call('start', 0);
    const ask = async (): Promise<unknown> => (await fetch(`${url}/waInstance1101/qr/token`)).json();
    expect(await ask()).toMatchObject({ type: 'qrCode' });
    await ask();
    const { requests, gaps } = await provider.call('asked');
    expect(requests).toBe(2);
    expect(gaps.count).toBe(1);
    expect(gaps.max).toBeGreaterThan(0);
    expect((await provider.usage()).cpuMs).toBeGreaterThan(0);
  } finally {
    await provider.close();
  }
  await expect(provider.call('asked')).rejects.toThrow('role provider has ended');
});

it('reports a role that does not start', async () => {
  await expect(openRole('no-such-role')).rejects.toThrow('role no-such-role has ended');
});
