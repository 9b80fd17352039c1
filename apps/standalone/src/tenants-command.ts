/** `qrcast tenants`: the operator's calls for tenants and their API keys, over a running gateway. */

import { z } from 'zod';
import type { TenantsArguments } from './cli-arguments.ts';
import { EXITS, LoginError } from './login/ending.ts';
import type { Secrets } from './login/secrets.ts';
import { callGateway, type GatewayAccess, GatewayError } from './start/session.ts';
import type { TenantsAction } from './tenants-arguments.ts';
import { keysText, secretsText, tenantSchema, tenantsText } from './tenants-text.ts';
import { jsonLine, printable } from './terminal-text.ts';

export interface TenantsDeps {
  readonly secrets: Pick<Secrets, 'adminKey'>;
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

const PATH = '/v1/admin/tenants';

const listSchema = z.looseObject({ tenants: z.array(tenantSchema) });
const answerSchema = z.looseObject({ tenant: tenantSchema });
/** Whatever else the answer holds: the secrets in it are shown only now. */
const createdSchema = z.looseObject({
  tenant: z.unknown(),
  apiKey: z.string(),
  webhookToken: z.string(),
  webhookUrl: z.string(),
  callbackSecret: z.string(),
});
const keySchema = z.looseObject({ keyId: z.string(), apiKey: z.string() });

/** For a person, and the same for a program. */
interface Told {
  readonly text: string;
  readonly event: 'tenants' | 'tenant' | 'key' | 'revoked';
  readonly fields: object;
}

/** Resolves to the status to exit with. @throws {LoginError} in the words of the gateway */
export async function runTenants({ secrets, write, signal }: TenantsDeps, { gateway, action, json }: TenantsArguments): Promise<number> {
  const access = { url: gateway, apiKey: await secrets.adminKey(signal), signal };
  const { text, event, fields } = await act(access, action).catch((error: unknown) => {
    throw error instanceof GatewayError ? refusalOf(error) : error;
  });
  write(json ? jsonLine(event, fields) : `${printable(text)}\n`);
  return EXITS.connected.code;
}

async function act(access: GatewayAccess, action: TenantsAction): Promise<Told> {
  switch (action.kind) {
    case 'list': {
      const list = listSchema.parse((await callGateway(access, 'GET', PATH)).answer);
      return { text: tenantsText(list.tenants), event: 'tenants', fields: list };
    }
    case 'add':
      return add(access, action.tenantId, action.name);
    case 'suspend':
    case 'resume':
      return suspend(access, action.tenantId, action.kind === 'suspend');
    case 'listKeys': {
      const { tenant } = answerSchema.parse((await callGateway(access, 'GET', `${PATH}/${action.tenantId}`)).answer);
      return { text: keysText(tenant), event: 'tenant', fields: { tenant } };
    }
    case 'addKey': {
      const key = keySchema.parse((await callGateway(access, 'POST', `${PATH}/${action.tenantId}/keys`)).answer);
      const text = secretsText(`The tenant "${action.tenantId}" has a new API key, ${key.keyId}.`, [['API key', key.apiKey]]);
      return { text, event: 'key', fields: key };
    }
    case 'revokeKey': {
      const { tenantId, keyId } = action;
      await callGateway(access, 'DELETE', `${PATH}/${tenantId}/keys/${keyId}`);
      return {
        text: `The key ${keyId} of the tenant "${tenantId}" is refused from now on.`,
        event: 'revoked',
        fields: { tenantId, keyId },
      };
    }
    default:
      return action satisfies never;
  }
}

async function add(access: GatewayAccess, id: string, name: string): Promise<Told> {
  const created = createdSchema.parse((await callGateway(access, 'POST', PATH, { body: { id, name } })).answer);
  const text = [
    secretsText(`The tenant "${id}" was created.`, [
      ['API key', created.apiKey],
      ['webhook token', created.webhookToken],
      ['callback secret', created.callbackSecret],
    ]),
    `Its webhook URL is ${created.webhookUrl}`,
  ].join('\n');
  return { text, event: 'tenant', fields: created };
}

async function suspend(access: GatewayAccess, id: string, suspended: boolean): Promise<Told> {
  const { tenant } = answerSchema.parse((await callGateway(access, 'PATCH', `${PATH}/${id}`, { body: { suspended } })).answer);
  const text = suspended
    ? `The tenant "${id}" is suspended: its keys and tickets are refused, and its streams close. Nothing is deleted.`
    : `The tenant "${id}" is active again.`;
  return { text, event: 'tenant', fields: { tenant } };
}

function refusalOf({ code, message, connection }: GatewayError): LoginError {
  if (code !== 'unauthenticated' && code !== 'forbidden') return new LoginError(code, message, EXITS.fault.code, connection);
  return new LoginError(code, `the gateway does not accept the admin key: ${message}`, EXITS.credentials.code);
}
