/** For tests that have only a gateway and its admin key: the first tenant, and a session of it. */

import type { Instance } from '@qrcast/simulator/instance';
import type { Simulator } from '@qrcast/simulator/simulator';

export interface FirstSession {
  readonly instance: Instance;
  readonly ticket: string;
}

/** @throws {Error} if the gateway refuses a call */
export async function createFirstSession(url: string, adminKey: string, simulator: Simulator): Promise<FirstSession> {
  async function post<Answer>(path: string, secret: string, body: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (response.status !== 201) throw new Error(`${path} was refused: ${await response.text()}`);
    return (await response.json()) as Answer;
  }
  const { apiKey } = await post<{ apiKey: string }>('/v1/admin/tenants', adminKey, { id: 'acme', name: 'Acme' });
  const instance = simulator.createInstance();
  const credentials = { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
  const { ticket } = await post<{ ticket: string }>('/v1/sessions', apiKey, credentials);
  return { instance, ticket };
}
